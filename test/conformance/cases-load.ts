// Chains, delegates, many calls at once, and killed plugins. CNI specification 1.1.0, sections 2 to 4.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AT_ONCE_MS, type Case, type NotApplicable, notApplicable } from './case.ts';
import { addressesOf, expectError, expectSuccess } from './expect.ts';
import { kernelLines, run } from './kernel-state.ts';
import { Failure, type Node } from './node.ts';

type Json = Readonly<Record<string, unknown>>;

async function chained(node: Node): Promise<NotApplicable | undefined> {
  if (node.profile.kind !== 'chained') return notApplicable('is not a chained plugin');
  const container = node.container();
  const prevResult = { dns: { nameservers: ['192.0.2.53'] }, ...(await node.chain(container)) };
  const result = expectSuccess(
    await node.call('ADD', container, { prevResult, conf: { 'vendor.example/unknown': { a: [1] } } }),
    'ADD with a key nobody knows',
  );
  await node.remove(container);
  for (const key of ['interfaces', 'ips', 'routes'] as const) {
    const kept = entriesOf(result, key).map((entry) => JSON.stringify(entry));
    for (const entry of entriesOf(prevResult, key)) {
      // A plugin may add keys, but must keep all keys of its input. It may change an interface's hardware address or MTU.
      const found = kept.some((text) => includes(JSON.parse(text) as Json, entry, key));
      if (!found) throw new Failure(`${key} of prevResult did not come out: ${JSON.stringify(entry)}`);
    }
  }
  if (JSON.stringify(result.dns) !== JSON.stringify(prevResult.dns))
    throw new Failure('dns of prevResult did not come out');
  return undefined;
}

/** The entries of a list. An address has its interface's name in place of the number, because new interfaces may change the number. */
function entriesOf(result: Json, key: 'interfaces' | 'ips' | 'routes'): Json[] {
  const entries = (result[key] ?? []) as Json[];
  if (key !== 'ips') return entries;
  const interfaces = (result.interfaces ?? []) as Json[];
  return entries.map((ip) => ({ ...ip, interface: interfaces[Number(ip.interface)]?.name }));
}

function includes(whole: Json, part: Json, list: 'interfaces' | 'ips' | 'routes'): boolean {
  const keys = list === 'interfaces' ? ['name', 'sandbox'] : Object.keys(part);
  return keys.every((key) => JSON.stringify(whole[key]) === JSON.stringify(part[key]));
}

const delegate = `#!/bin/sh
cat > /dev/null
env | grep ^CNI_ | sort > "$(dirname "$0")/delegate-$CNI_COMMAND.env"
echo 'the delegate was here' >&2
[ "$CNI_COMMAND" = ADD ] || exit 0
echo '{"cniVersion":"1.0.0","code":142,"msg":"the delegate refuses"}'
exit 1
`;

async function delegates(node: Node): Promise<NotApplicable | undefined> {
  if (node.profile.conf.ipam === undefined) return notApplicable('calls no delegate');
  const folder = join(node.folder, 'delegates');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'refusing'), delegate);
  chmodSync(join(folder, 'refusing'), 0o755);
  const container = node.container();
  const before = node.state();
  const path = [folder, ...node.binDirs].join(':');
  const change = {
    conf: { ipam: { type: 'refusing' } },
    env: { CNI_PATH: path, CNI_ARGS: 'IgnoreUnknown=1;A=b' },
  };
  const done = await node.add(container, change);
  expectError(done, 'ADD with a delegate that refuses', 142);
  if (!done.stderr.includes('the delegate was here'))
    throw new Failure("the delegate's stderr is not passed on");
  const given = readFileSync(join(folder, 'delegate-ADD.env'), 'utf8');
  for (const [name, value] of Object.entries({
    CNI_CONTAINERID: container.id,
    CNI_NETNS: container.netns,
    CNI_IFNAME: container.ifname,
    CNI_PATH: path,
    CNI_ARGS: 'IgnoreUnknown=1;A=b',
  })) {
    if (!given.includes(`${name}=${value}\n`))
      throw new Failure(`the delegate was not given ${name}=${value}`);
  }
  await node.remove(container, change);
  await node.expectState(before, 'after a delegate refused');
  return undefined;
}

async function inParallel(node: Node): Promise<undefined> {
  const before = node.state();
  const containers = Array.from({ length: node.profile.parallel }, () => node.container());
  const results = await Promise.all(containers.map(async (one) => await node.add(one)));
  const addresses = results.flatMap((done) => addressesOf(expectSuccess(done, 'one of many ADDs')));
  if (addresses.length < containers.length)
    throw new Failure(`${addresses.length} addresses for ${containers.length} containers`);
  const twice = addresses.filter((address, at) => addresses.indexOf(address) !== at);
  if (twice.length > 0) throw new Failure(`given more than once: ${twice.join(', ')}`);
  const removed = await Promise.all(containers.map(async (one) => await node.remove(one)));
  for (const done of removed) expectSuccess(done, 'one of many DELs');
  await node.expectState(before, 'after all DELs');
  return undefined;
}

/** The time of a normal ADD on this machine, in milliseconds. */
async function addDurationMs(node: Node): Promise<number> {
  const container = node.container();
  const { elapsedMs } = await node.add(container);
  await node.remove(container);
  return elapsedMs;
}

async function killed(node: Node): Promise<undefined> {
  const before = node.state();
  const wholeMs = await addDurationMs(node);
  const rounds = 20;
  for (let round = 0; round < rounds; round++) {
    const container = node.container();
    const empty = kernelLines(container.namespace);
    const ms = (wholeMs * round) / rounds;
    await node.add(container, { signalAfter: { signal: 'SIGKILL', ms } });
    expectSuccess(await node.call('DEL', container), `DEL after kill -9 at ${ms.toFixed(1)} ms`);
    if (node.speaks('1.1.0')) {
      expectSuccess(
        await node.network('GC', { conf: { 'cni.dev/valid-attachments': [] } }),
        'GC after kill -9',
      );
    }
    const left = kernelLines(container.namespace).filter((line) => !empty.includes(line));
    if (left.length > 0)
      throw new Failure(
        `kill -9 at ${ms.toFixed(1)} ms, then DEL, left in the container: ${left.join('; ')}`,
      );
    node.dropNamespace(container);
    await node.expectState(before, `kill -9 at ${ms.toFixed(1)} ms, then DEL`);
  }
  return undefined;
}

async function terminated(node: Node): Promise<undefined> {
  const before = node.state();
  const ms = (await addDurationMs(node)) / 2;
  const container = node.container();
  const done = await node.add(container, { signalAfter: { signal: 'SIGTERM', ms } });
  if (done.elapsedMs > AT_ONCE_MS)
    throw new Failure(`SIGTERM: ended only after ${done.elapsedMs.toFixed(0)} ms`);
  if (done.garbage) throw new Failure(`SIGTERM: half an answer on stdout: ${done.stdout.slice(0, 60)}`);
  expectSuccess(await node.remove(container), 'DEL after SIGTERM');
  await node.expectState(before, 'after SIGTERM and DEL');
  return undefined;
}

async function capabilities(node: Node): Promise<NotApplicable | undefined> {
  const { ips, mac } = node.profile.capabilities;
  if (ips === undefined && mac === undefined) return notApplicable('promises neither ips nor mac');
  const container = node.container();
  const runtimeConfig = { ...(ips && { ips: [ips] }), ...(mac && { mac }) };
  const result = expectSuccess(
    await node.add(container, { conf: { capabilities: { ips: true, mac: true }, runtimeConfig } }),
    `ADD with runtimeConfig ${JSON.stringify(runtimeConfig)}`,
  );
  const links = run('ip', ['-n', container.namespace, 'link']);
  await node.remove(container);
  if (ips !== undefined && !addressesOf(result).includes(ips))
    throw new Failure(`asked for ${ips}, got ${addressesOf(result)}`);
  if (mac !== undefined && !links.includes(mac))
    throw new Failure(`asked for ${mac}, the interface has another`);
  return undefined;
}

export const loadCases: readonly Case[] = [
  { number: 20, title: 'a chained plugin passes prevResult on and ignores unknown keys', run: chained },
  {
    number: 21,
    title: 'a delegate gets the same environment; its stderr and error code are passed on',
    run: delegates,
  },
  { number: 22, title: 'ADDs in parallel give no address twice', run: inParallel },
  { number: 23, title: 'after kill -9 at any point of ADD, DEL (and GC) clean up', run: killed },
  { number: 24, title: 'SIGTERM ends ADD soon, and DEL cleans up', run: terminated },
  { number: 26, title: 'the capabilities ips and mac are obeyed', run: capabilities },
];
