// Many pods over many pools. In the disturbed course the controller, agents and the API server end and come back
// meanwhile: no address is given twice, and none is lost.

import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchCluster, PoolRecords } from './cluster.ts';
import { LoadProcess } from './load-process.ts';
import type { Given, Order } from './order.ts';
import { runLoads, startLoads } from './scenario.ts';

const AGENTS = 100;
/** How many of them are killed: the last ones. */
const KILLED = 10;
const POOLS = 20;
/** How long killed agents are away. */
const AWAY_MS = 3000;
const OUTAGE_MS = 10_000;
const LIMIT_MS = 600_000;
/** At which part of all pods each disturbance begins. */
const starts = { controller: 0.2, agents: 0.4, server: 0.6 } as const;

/** What came out. */
export interface SpreadResult {
  readonly pods: number;
  readonly seconds: number;
  readonly without: number;
  /** Addresses that two pods have, that a pod has by its agent or by the pools alone, or that nobody has. */
  readonly wrong: number;
  /** Pools whose counts are not those of their records. */
  readonly miscounted: number;
}

/**
 * Gives all pods addresses. All pools together have exactly one address for each pod, and each agent begins with another
 * pool. The outage is left out where the API server was not started by the benchmark.
 */
export async function runSpread(
  cluster: BenchCluster,
  podsPerAgent: number,
  course: 'calm' | 'disturbed',
): Promise<SpreadResult> {
  const nodes = Array.from({ length: AGENTS }, (_, index) => `d${index}`);
  const pods = AGENTS * podsPerAgent;
  await cluster.makePods(nodes, podsPerAgent);
  const pools = Array.from({ length: POOLS }, (_, index) => `${course}-${process.pid}-${index}`);
  for (const [index, name] of pools.entries()) {
    await cluster.makePool({ name, family: 4, number: 50 + index, count: pods / POOLS });
  }
  const order: Omit<Order, 'nodes'> = {
    kubeconfig: cluster.kubeconfig,
    writer: 'leader',
    nics: [{ name: 'eth0', ipv4: pools, ipv6: [] }],
    load: { podsPerAgent, parallel: 4, releases: false, repeats: true },
    limitMs: LIMIT_MS,
  };
  const doomedOrder = { ...order, nodes: nodes.slice(-KILLED) };
  const loads = [
    await LoadProcess.start(doomedOrder),
    ...(await startLoads(order, nodes.slice(0, -KILLED))),
  ] as const;
  const beganMs = performance.now();
  const running = runLoads(loads);
  const reached = async (part: number) => {
    const given = () => loads.reduce((total, load) => total + load.given.length, 0);
    while (given() < part * pods && performance.now() - beganMs < LIMIT_MS) await sleep(20);
  };
  const revived = course === 'calm' ? [] : [await disturb(cluster, loads[0], doomedOrder, reached)];
  await Promise.all([running, ...revived.map(({ running: again }) => again)]);
  const seconds = (performance.now() - beganMs) / 1000;
  const given = [...loads, ...revived.map(({ load }) => load)].flatMap((load) => load.given);
  const ended = await Promise.all(pools.map((name) => cluster.endPool(name)));
  return { pods, seconds, ...judged(given, ended, pods) };
}

/** The controller and some agents are killed, and then the API server goes away. Answers with the agents that came back. */
async function disturb(
  cluster: BenchCluster,
  doomed: LoadProcess,
  order: Order,
  reached: (part: number) => Promise<void>,
) {
  await reached(starts.controller);
  await cluster.replaceController();
  await reached(starts.agents);
  await doomed.kill();
  await sleep(AWAY_MS);
  const load = await LoadProcess.start(order);
  const running = runLoads([load]);
  await reached(starts.server);
  await cluster.server.outage?.begin();
  await sleep(OUTAGE_MS);
  await cluster.server.outage?.end();
  return { load, running };
}

/** What the agents have said, in its order, beside what the pools record. */
function judged(given: readonly Given[], pools: readonly PoolRecords[], pods: number) {
  const answers = new Map<string, Given>();
  const wrong = new Set<string>();
  for (const one of given) {
    const { pod, podUid, addresses } = one;
    const before = answers.get(pod);
    // A pod that asks again, at the agent that came back, has what it had.
    if (before !== undefined && before.addresses[0] !== addresses[0]) wrong.add(before.addresses[0] ?? pod);
    if (podUid === '' || addresses.length !== 1) wrong.add(pod);
    answers.set(pod, one);
  }
  const records = new Map(pools.flatMap(({ holders }) => [...holders]));
  const holding = new Map<string, number>();
  for (const { pod } of records.values()) holding.set(pod, (holding.get(pod) ?? 0) + 1);
  for (const [address, { pod }] of records) if (holding.get(pod) !== 1) wrong.add(address);
  for (const { pod, podUid, addresses } of answers.values()) {
    const [address = pod] = addresses;
    const record = records.get(address);
    if (record?.podUid !== podUid || record.pod !== `default/${pod}`) wrong.add(address);
  }
  const held = new Set(Array.from(answers.values(), ({ addresses }) => addresses[0]));
  for (const address of records.keys()) if (!held.has(address)) wrong.add(address);
  const miscounted = pools.filter(
    ({ holders, allocatedIPCount, totalIPCount }) =>
      allocatedIPCount !== holders.size || totalIPCount !== pods / POOLS,
  );
  return {
    without: pods - answers.size,
    wrong: wrong.size,
    miscounted: miscounted.length,
  };
}
