// One run of the scale benchmark: load processes with their agents, and pools with exactly as many addresses as they need.

import { percentile } from '../row.ts';
import type { BenchCluster } from './cluster.ts';
import { LoadProcess } from './load-process.ts';
import type { Load, LoadNic, LoadOutcome, Order, Writer } from './order.ts';

/** How many processes the agents share. */
const PROCESSES = 2;

/** What is run. Each pool has exactly one address for each pod. */
export interface Scenario {
  readonly writer: Writer;
  readonly agents: number;
  readonly load: Load;
  /** When what still runs is given up, in seconds. */
  readonly limitSeconds: number;
  /** The NICs of a pod; by default one. */
  readonly nics?: number;
  /** Whether each NIC has an IPv6 address too. */
  readonly dualStack?: boolean;
}

/** What came out. */
export interface Result {
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
  readonly firstFailure: string | undefined;
  readonly writesPerAddress: number;
  readonly conflicts: number;
  /** Operations that the leader did. */
  readonly led: number;
  /** When each request of a NIC ended, in milliseconds since the start, in order. */
  readonly endsMs: readonly number[];
}

let runs = 0;

/** Runs it. Throws if an address has two holders or a NIC that succeeded has none. */
export async function runScenario(cluster: BenchCluster, scenario: Scenario): Promise<Result> {
  const { agents, load, writer, limitSeconds } = scenario;
  const { podsPerAgent } = load;
  const nodes = Array.from({ length: agents }, (_, index) => `n${index}`);
  await cluster.makePods(nodes, podsPerAgent);
  const { nics, wishes } = poolsOf(scenario);
  for (const wish of wishes) await cluster.makePool(wish);
  const pools = wishes.map(({ name }) => name);
  const common = { kubeconfig: cluster.kubeconfig, writer, nics, load, limitMs: limitSeconds * 1000 };
  const loads = await startLoads(common, nodes);
  const ended = new AbortController();
  const counting = cluster.countWrites(pools, ended.signal);
  const outcomes = await runLoads(loads);
  ended.abort();
  const writes = await counting;
  const given = loads.flatMap((one) => one.given);
  for (const { name, nic } of wishes) {
    const pods = new Set(given.filter((one) => one.nic === nic).map(({ pod }) => `default/${pod}`));
    const { holders } = await cluster.endPool(name);
    const holding = new Set(Array.from(holders.values(), ({ pod }) => pod));
    const isRight = holding.size === holders.size && pods.size === holders.size;
    if (!isRight || [...pods].some((pod) => !holding.has(pod)))
      throw new Error(
        `${name}: ${holders.size} addresses have ${holding.size} holders, and ${pods.size} pods have one`,
      );
  }
  const took = given.map(({ tookMs }) => tookMs);
  const endsMs = given.map(({ endMs }) => endMs).toSorted((a, b) => a - b);
  return {
    seconds: (endsMs.at(-1) ?? Number.NaN) / 1000,
    p50Ms: percentile(took, 50),
    p99Ms: percentile(took, 99),
    failures: sum(outcomes.map((outcome) => outcome.failures)),
    firstFailure: outcomes.find((outcome) => outcome.firstFailure !== undefined)?.firstFailure,
    // The baseline does not say which address it got. It is one.
    writesPerAddress: writes / sum(given.map(({ addresses }) => Math.max(1, addresses.length))),
    conflicts: sum(outcomes.map(({ conflicts }) => conflicts)),
    led: sum(outcomes.map(({ led }) => led)),
    endsMs,
  };
}

/** The NICs of the pods, and a pool for each NIC and family. */
function poolsOf({ agents, load, nics = 1, dualStack = false }: Scenario) {
  const run = `${process.pid}-${runs++}`;
  const count = agents * load.podsPerAgent;
  const wishes = Array.from({ length: nics }, (_, index) => {
    const nic = index === 0 ? 'eth0' : `net${index}`;
    const families = dualStack ? ([4, 6] as const) : ([4] as const);
    return families.map((family) => {
      return { nic, family, name: `pool-${run}-${nic}-${family}`, number: 6 + index, count };
    });
  }).flat();
  const names = (nic: string, family: 4 | 6) =>
    wishes.filter((wish) => wish.nic === nic && wish.family === family).map(({ name }) => name);
  const loadNics = [...new Set(wishes.map(({ nic }) => nic))].map((name): LoadNic => {
    return { name, ipv4: names(name, 4), ipv6: names(name, 6) };
  });
  return { nics: loadNics, wishes };
}

/** Shares the nodes among processes. */
export function startLoads(order: Omit<Order, 'nodes'>, nodes: readonly string[]): Promise<LoadProcess[]> {
  const processes = Math.min(PROCESSES, nodes.length);
  return Promise.all(
    Array.from({ length: processes }, (_, part) =>
      LoadProcess.start({ ...order, nodes: nodes.filter((_node, index) => index % processes === part) }),
    ),
  );
}

/** Runs them all at the same time. Those that were killed have no outcome. */
export async function runLoads(loads: readonly LoadProcess[]): Promise<LoadOutcome[]> {
  const outcomes = await Promise.all(loads.map((load) => load.run()));
  return outcomes.filter((outcome) => outcome !== undefined);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
