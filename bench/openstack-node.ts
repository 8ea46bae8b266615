// A node that is a VM of the real OpenStack servers, for the benchmark of addresses on its port: a process that obeys its
// parent.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger, systemClock } from '#base';
import { createNetns, primeThreads } from '#kernel';
import type { CloudClient } from '#openstack';
import { FixedIps, LedgerFile, PortAddresses } from '#openstack/own-port';
import { nodeAddress, nodeNic, OneNode, subnet } from '../test/e2e/one-node.ts';
import { runProgram, until } from '../test/e2e/program.ts';
import { Front } from '../test/openstack/front.ts';
import { Api, client, type PortObject } from '../test/openstack/scene.ts';
import { Cloud } from '../test/openstack/servers/cloud.ts';
import { startCloud } from '../test/openstack/servers/installation.ts';
import { callAgent } from './agent-call.ts';
import { type LaunchedSandbox, Launcher } from './launcher.ts';
import { obeyParent } from './node-process.ts';
import { appendAddress } from './port-append.ts';
import { median } from './row.ts';

export type OpenStackOrder =
  | { readonly do: 'measure'; readonly root: string; readonly quick: boolean }
  | { readonly do: 'stop' };

export interface OpenStackFigures {
  /** ADDs in milliseconds, by how many run at once. */
  readonly adds: readonly { readonly atOnce: number; readonly port: number; readonly pool: number }[];
  /** Requests to any server while pods start whose addresses are ready. */
  readonly callsOfAdds: number;
  /** Milliseconds for each address. */
  readonly refill: { readonly batch: number; readonly alone: number };
  /** Writes of the port while 100 pods start in a minute. */
  readonly writesInMinute: number;
  /** Milliseconds until each of 20 pods has an address: by the reference, and by us with so many ready. */
  readonly burst: {
    readonly appended: number;
    readonly ready: readonly (readonly [ready: number, ms: number])[];
  };
}

type Chain = 'port' | 'pool';

/** A folder on the machine's disk, not in memory: durable files must have their real cost. */
const folder = mkdtempSync(join('/var/tmp', 'orbweaver-bench-'));
const file = (name: string) => join(folder, name);
const loads = [
  { atOnce: 1, rounds: 40 },
  { atOnce: 16, rounds: 6 },
] as const;
const POD_COUNT = 100;
const BURST = 20;
const BATCH = 20;
/** More than all pods of a measurement, so that nothing is fetched meanwhile. */
const manyReady = { addressRestSeconds: 1, neutronReadyLow: 4, neutronReadyHigh: 100 };
const defaults = { addressRestSeconds: 30 };
const network = { cniVersion: '1.0.0', name: 'bench' };
const macvlan = { ...network, type: 'macvlan', master: nodeNic, mode: 'bridge' };
const ipams: Readonly<Record<Chain, object>> = {
  port: { type: 'neutron', neutronConf: { hostInterface: nodeNic } },
  pool: { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: [] },
};

interface Parts {
  readonly node: OneNode;
  readonly front: Front;
  readonly api: Api;
  readonly direct: CloudClient;
  readonly launcher: Launcher;
  readonly chains: Readonly<Record<Chain, readonly string[]>>;
  readonly port: PortObject;
  readonly networkId: string;
  readonly subnetId: string;
}

async function start(root: string): Promise<Parts> {
  await primeThreads();
  runProgram('ip', ['link', 'set', 'lo', 'up']);
  const front = await Front.start();
  Object.assign(process.env, front.environment());
  const node = await OneNode.start({ folder, agent: { stateDirectory: file('state'), ...manyReady } });
  await node.createPool('v4', 4, { ips: ['10.6.1.1-10.6.20.250'] });
  const limits = { maximumRoutes: 30, maximumAddressPairs: 10, maximumNics: 1 };
  await startCloud(new Cloud(root, limits), root);
  const api = await Api.of();
  const { id: networkId } = await api.make('network', { name: 'nodes' });
  const { id: subnetId } = await api.make('subnet', {
    network_id: networkId,
    cidr: subnet[4],
    ip_version: 4,
    // No address of the pool.
    allocation_pools: [{ start: '10.6.128.1', end: '10.6.255.250' }],
  });
  const fixed_ips = [{ subnet_id: subnetId, ip_address: nodeAddress[4] }];
  const port = await api.make<PortObject>('port', { network_id: networkId, fixed_ips });
  await api.makeServer('node', port.id);
  runProgram('ip', ['link', 'set', nodeNic, 'address', port.mac_address]);
  const launcher = new Launcher(folder);
  const coordinator = launcher.step('coordinator', 'coordinator', { ...network, type: 'coordinator' });
  const chainOf = (name: Chain) => [
    ...launcher.step(name, 'macvlan', { ...macvlan, ipam: ipams[name] }),
    ...coordinator,
  ];
  const chains = { port: chainOf('port'), pool: chainOf('pool') };
  return { node, front, api, direct: client(), launcher, chains, port, networkId, subnetId };
}

async function makeSandboxes({ node }: Parts, prefix: string, count: number): Promise<LaunchedSandbox[]> {
  const sandboxes: LaunchedSandbox[] = [];
  for (let index = 0; index < count; index++) {
    const name = `${prefix}-${index}`;
    const netns = `/run/netns/${name}`;
    createNetns(netns).close();
    sandboxes.push({ name, netns, uid: (await node.createPod(name)).metadata.uid });
  }
  return sandboxes;
}

/** No request was made for a while: rests are over, and nothing is fetched. */
async function isQuiet({ front }: Parts): Promise<void> {
  for (let before = -1; before !== front.asked.length; ) {
    before = front.asked.length;
    await sleep(3_000);
  }
}

async function areReady({ api, port }: Parts, isEnough: (count: number) => boolean): Promise<void> {
  await until(
    'addresses are ready',
    async () => {
      const read = await api.neutron<{ port: PortObject }>('GET', `/ports/${port.id}`);
      await sleep(200);
      return isEnough(read.port.fixed_ips.length - 1);
    },
    120_000,
  );
}

async function measureAdds(
  parts: Parts,
  quick: boolean,
): Promise<Pick<OpenStackFigures, 'adds' | 'callsOfAdds'>> {
  const { launcher, chains, front } = parts;
  const sandboxes = {
    port: await makeSandboxes(parts, 'port', 16),
    pool: await makeSandboxes(parts, 'pool', 16),
  };
  const addThenDel = async (chain: Chain, atOnce: number) => {
    const some = sandboxes[chain].slice(0, atOnce);
    const times = await launcher.launch('ADD', chains[chain], some);
    await launcher.launch('DEL', chains[chain], some);
    return times;
  };
  // The first ADD opens the port.
  await addThenDel('port', 1);
  await areReady(parts, (count) => count >= manyReady.neutronReadyHigh);
  // An agent runs for months, so its code is compiled.
  for (const chain of ['port', 'pool', 'port', 'pool'] as const) await addThenDel(chain, 16);
  const adds = [];
  for (const { atOnce, rounds } of loads) {
    await isQuiet(parts);
    const times: Record<Chain, number[]> = { port: [], pool: [] };
    for (let round = 0; round < (quick ? Math.ceil(rounds / 4) : rounds); round++) {
      const order = round % 2 === 0 ? (['port', 'pool'] as const) : (['pool', 'port'] as const);
      for (const chain of order) times[chain].push(...(await addThenDel(chain, atOnce)));
    }
    adds.push({ atOnce, port: median(times.port) / 1000, pool: median(times.pool) / 1000 });
  }
  await isQuiet(parts);
  front.asked.length = 0;
  await launcher.launch('ADD', chains.port, sandboxes.port);
  const callsOfAdds = front.asked.length;
  await launcher.launch('DEL', chains.port, sandboxes.port);
  return { adds, callsOfAdds };
}

/** The agent starts again with the settings that it has by default. */
async function measureMinute(parts: Parts): Promise<number> {
  const { node, front, port } = parts;
  const pods = await makeSandboxes(parts, 'minute', POD_COUNT);
  await node.agent.stop();
  const path = file('conf.yml');
  const settings = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(
    path,
    JSON.stringify({ ...settings, orbweaver: { stateDirectory: file('state'), ...defaults } }),
  );
  await node.startAgent();
  await areReady(parts, (count) => count <= 12);
  await isQuiet(parts);
  front.asked.length = 0;
  const begun = performance.now();
  const answers: ReturnType<typeof callAgent>[] = [];
  const conf = { ...macvlan, ipam: ipams.port };
  for (const [index, { name, netns, uid }] of pods.entries()) {
    await sleep(begun + (index * 60_000) / POD_COUNT - performance.now());
    answers.push(callAgent({ type: 'neutron', verb: 'ADD', pod: name, uid, netns, nic: 'eth0', conf }));
  }
  const failed = (await Promise.all(answers)).filter(({ exitCode }) => exitCode !== 0);
  if (failed.length > 0) throw new Error(`${failed.length} ADDs failed: ${failed[0]?.stdout}`);
  return front.asked.filter(({ method, path: asked }) => method === 'PUT' && asked.includes(port.id)).length;
}

const newPort = ({ api, networkId }: Parts): Promise<PortObject> =>
  api.make<PortObject>('port', { network_id: networkId });

/** A port with a ledger of its own, which keeps so many addresses ready. */
async function newAddresses(parts: Parts, ready: number): Promise<PortAddresses> {
  const { id: portId } = await newPort(parts);
  const own = {
    neutron: parts.direct.neutron,
    file: new LedgerFile(file('ledgers'), portId, systemClock),
    ...{ portId, clock: systemClock, log: silentLogger, nodeAddresses: [] },
    warm: { low: Math.min(4, ready), high: ready },
  };
  const addresses = new PortAddresses({ ...own, keeper: new FixedIps(own) });
  await addresses.reconcile();
  return addresses;
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function measureRefill(parts: Parts, quick: boolean): Promise<OpenStackFigures['refill']> {
  const times = new Map<number, number[]>([BATCH, 1].map((batch) => [batch, []]));
  for (let round = 0; round < (quick ? 2 : 7); round++) {
    for (const [batch, list] of times) {
      const addresses = await newAddresses(parts, batch);
      list.push((await took(() => addresses.tend([parts.subnetId]))) / batch);
    }
  }
  return { batch: median(times.get(BATCH) ?? []), alone: median(times.get(1) ?? []) };
}

async function measureBurst(parts: Parts, quick: boolean): Promise<OpenStackFigures['burst']> {
  const { api, subnetId } = parts;
  const pods = Array.from({ length: BURST }, (_, index) => `pod-${index}`);
  const appended: number[] = [];
  const times = new Map<number, number[]>([24, 12, 0].map((ready) => [ready, []]));
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    const { id } = await newPort(parts);
    const kept = mkdtempSync(file('appended-'));
    appended.push(
      await took(() => Promise.all(pods.map((pod) => appendAddress(api, kept, id, subnetId, pod)))),
    );
    for (const [ready, list] of times) {
      const addresses = await newAddresses(parts, ready);
      await addresses.tend([subnetId]);
      list.push(await took(() => Promise.all(pods.map((pod) => addresses.take(pod, subnetId)))));
    }
  }
  const ready = Array.from(times, ([count, list]) => [count, median(list)] as const);
  return { appended: median(appended), ready };
}

async function measure(root: string, quick: boolean): Promise<OpenStackFigures> {
  const parts = await start(root);
  const { adds, callsOfAdds } = await measureAdds(parts, quick);
  const writesInMinute = await measureMinute(parts);
  // What is left needs no agent.
  await parts.node.stop();
  const refill = await measureRefill(parts, quick);
  const burst = await measureBurst(parts, quick);
  return { adds, callsOfAdds, writesInMinute, refill, burst };
}

// The namespaces and all processes in them end with this process. The folder is on the machine's disk and must be removed.
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
obeyParent(async (order: OpenStackOrder) =>
  order.do === 'measure' ? await measure(order.root, order.quick) : undefined,
);
