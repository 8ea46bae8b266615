// One run of the scale benchmark: load processes with their agents against one pool.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { percentile } from '../row.ts';
import type { BenchCluster } from './cluster.ts';
import type { Load, LoadOutcome, Order, Writer } from './order.ts';

/** How many processes the agents share. */
const PROCESSES = 2;

/** What is run. The pool has exactly one address for each pod. */
export interface Scenario {
  readonly writer: Writer;
  readonly agents: number;
  readonly load: Load;
  /** When what still runs is given up, in seconds. */
  readonly limitSeconds: number;
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
  /** When each allocation ended, in milliseconds since the start, in order. */
  readonly endsMs: readonly number[];
}

let pools = 0;

/** Runs it. Throws if an address has two holders or a pod that succeeded has none. */
export async function runScenario(cluster: BenchCluster, scenario: Scenario): Promise<Result> {
  const { agents, load, writer, limitSeconds } = scenario;
  const { podsPerAgent } = load;
  const nodes = Array.from({ length: agents }, (_, index) => `n${index}`);
  await cluster.makePods(nodes, podsPerAgent);
  const pool = `pool-${process.pid}-${pools++}`;
  await cluster.makePool(pool, agents * podsPerAgent);
  const common = { kubeconfig: cluster.kubeconfig, writer, pool, load, limitMs: limitSeconds * 1000 };
  const processes = Math.min(PROCESSES, agents);
  const loads = await Promise.all(
    Array.from({ length: processes }, (_, part) =>
      startLoad({ ...common, nodes: nodes.filter((_node, index) => index % processes === part) }),
    ),
  );
  const ended = new AbortController();
  const counting = cluster.countWrites(pool, ended.signal);
  const outcomes = await Promise.all(loads.map((begin) => begin()));
  ended.abort();
  const writes = await counting;
  const latencies = outcomes.flatMap(({ latenciesMs }) => latenciesMs);
  const ends = outcomes.flatMap(({ endsMs }) => endsMs).toSorted((a, b) => a - b);
  const holders = await cluster.endPool(pool);
  const failures = sum(outcomes.map((outcome) => outcome.failures));
  const expected = agents * podsPerAgent - failures;
  if (new Set(holders.values()).size !== holders.size || holders.size !== expected) {
    throw new Error(
      `${holders.size} addresses have ${new Set(holders.values()).size} holders, not ${expected}`,
    );
  }
  return {
    seconds: (ends.at(-1) ?? Number.NaN) / 1000,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    failures,
    firstFailure: outcomes.find((outcome) => outcome.firstFailure !== undefined)?.firstFailure,
    writesPerAddress: writes / ends.length,
    conflicts: sum(outcomes.map(({ conflicts }) => conflicts)),
    led: sum(outcomes.map(({ led }) => led)),
    endsMs: ends,
  };
}

/** Starts a load process. Resolves when it is ready; the function begins its load. */
export async function startLoad(order: Order): Promise<() => Promise<LoadOutcome>> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../scale-load.ts'), JSON.stringify(order)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('a load process ended early: see above');
    return value as string;
  };
  await line();
  return async () => {
    child.stdin.end('go\n');
    return JSON.parse(await line()) as LoadOutcome;
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
