// A node for the benchmarks of ADD, in its own namespaces: a process that obeys its parent.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatAddress, parseAddress } from '#ip';
import { createNetns, primeThreads } from '#kernel';
import { nodeNic, OneNode } from '../test/e2e/one-node.ts';
import { callAgent } from './agent-call.ts';
import { Launcher } from './launcher.ts';
import { obeyParent } from './node-process.ts';

/** Chains of plugins: the reference alone, and ours with IPv4 and with both families. */
export type Chain = 'reference' | 'ipv4' | 'dual';

/** The orders of the parent. */
export type Order =
  /** Makes sandboxes 0 … count−1 of a chain, with their pods. */
  | { readonly do: 'prepare'; readonly chain: Chain; readonly count: number }
  /** Runs one verb for `count` sandboxes from `first` on, all at once. The answer is the microseconds of each. */
  | {
      readonly do: 'launch';
      readonly verb: 'ADD' | 'DEL';
      readonly chain: Chain;
      readonly first: number;
      readonly count: number;
    }
  /** Runs `count` ADDs of IPAM alone, `atOnce` at a time, on a pool with exactly `count` addresses. The answer is a {@link Storm}. */
  | { readonly do: 'storm'; readonly count: number; readonly atOnce: number }
  /** The memory of the agent, in megabytes. */
  | { readonly do: 'resident' }
  | { readonly do: 'stop' };

/** The result of many ADDs on one pool. */
export interface Storm {
  readonly failed: number;
  readonly poolWrites: number;
}

const METRICS_URL = 'http://127.0.0.1:5710/metrics';
/** A folder on the machine's disk, not in memory: durable files must have their real cost. */
const folder = mkdtempSync(join('/var/tmp', 'orbweaver-bench-'));
const file = (name: string) => join(folder, name);

const network = { cniVersion: '1.0.0', name: 'bench' };
const macvlan = { ...network, type: 'macvlan', master: nodeNic, mode: 'bridge' };
const pools = { default_ipv4_ippool: ['v4'], default_ipv6_ippool: [] as string[] };

function writeChains(launcher: Launcher): Record<Chain, string[]> {
  const hostLocal = {
    type: 'host-local',
    subnet: '10.6.0.0/16',
    rangeStart: '10.6.100.1',
    dataDir: file('host-local'),
  };
  const coordinator = launcher.step('coordinator', 'coordinator', { ...network, type: 'coordinator' });
  const ours = (name: string, ipam: object) => [
    ...launcher.step(name, 'macvlan', { ...macvlan, ipam: { type: 'spiderpool', ...ipam } }),
    ...coordinator,
  ];
  return {
    reference: launcher.step('reference', 'macvlan', { ...macvlan, ipam: hostLocal }),
    ipv4: ours('ipv4', pools),
    dual: ours('dual', { ...pools, default_ipv6_ippool: ['v6'] }),
  };
}

const sandboxName = (chain: Chain, index: number) => `${chain}-${index}`;
const netnsOf = (name: string) => `/run/netns/${name}`;

async function start() {
  await primeThreads();
  const node = await OneNode.start({ folder, agent: { stateDirectory: file('state') } });
  const launcher = new Launcher(folder);
  await node.createPool('v4', 4, { ips: ['10.6.1.1-10.6.20.250'] });
  await node.createPool('v6', 6, { ips: ['fd00:10:6::1:0-fd00:10:6::2:0'] });
  return { node, launcher, chains: writeChains(launcher) };
}

type Parts = Awaited<ReturnType<typeof start>>;

async function prepare({ node }: Parts, chain: Chain, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const name = sandboxName(chain, index);
    createNetns(netnsOf(name)).close();
    if (chain !== 'reference') await node.createPod(name);
  }
}

function launch({ launcher, chains }: Parts, order: Extract<Order, { do: 'launch' }>): Promise<number[]> {
  const { verb, chain, first, count } = order;
  const sandboxes = Array.from({ length: count }, (_, index) => {
    const name = sandboxName(chain, first + index);
    return { name, netns: netnsOf(name) };
  });
  return launcher.launch(verb, chains[chain], sandboxes);
}

async function storm({ node }: Parts, count: number, atOnce: number): Promise<Storm> {
  const first = parseAddress('10.6.30.0');
  const last = formatAddress({ ...first, value: first.value + BigInt(count - 1) });
  await node.createPool('storm', 4, { ips: [`${formatAddress(first)}-${last}`] });
  const netns = netnsOf('storm');
  createNetns(netns).close();
  const names = Array.from({ length: count }, (_, index) => `storm-${index}`);
  for (const name of names) await node.createPod(name);
  const conf = { ...macvlan, ipam: { type: 'spiderpool', ...pools, default_ipv4_ippool: ['storm'] } };
  const add = { type: 'spiderpool', verb: 'ADD', netns, nic: 'eth0', conf } as const;
  const before = await poolWrites();
  let failed = 0;
  const worker = async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      if ((await callAgent({ ...add, pod: name })).exitCode !== 0) failed++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { failed, poolWrites: (await poolWrites()) - before };
}

async function poolWrites(): Promise<number> {
  const text = await (await fetch(METRICS_URL)).text();
  return Number(/^orbweaver_ipam_pool_writes_total(?:\{.*\})? (\S+)$/m.exec(text)?.[1] ?? 0);
}

function residentMb({ node }: Parts): number {
  const status = readFileSync(`/proc/${node.agent.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

async function obey(parts: Parts, order: Order): Promise<unknown> {
  switch (order.do) {
    case 'prepare':
      return await prepare(parts, order.chain, order.count);
    case 'launch':
      return await launch(parts, order);
    case 'storm':
      return await storm(parts, order.count, order.atOnce);
    case 'resident':
      return residentMb(parts);
    case 'stop':
      return await parts.node.stop();
  }
}

// The namespaces and all processes in them end with this process. The folder is on the machine's disk and must be removed.
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const parts = start();
obeyParent(async (order: Order) => obey(await parts, order));
