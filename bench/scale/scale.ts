// Many agents and one pool: how fast addresses are given, how often the pool is written, and whether anybody starves.

import { floorRow, limitRow, type Row, ratioRow } from '../row.ts';
import type { ServerChoice } from './api-server.ts';
import { runApplications } from './applications.ts';
import { BenchCluster } from './cluster.ts';
import type { Load, Writer } from './order.ts';
import { type Result, runScenario } from './scenario.ts';
import { runSpread, type SpreadResult } from './spread.ts';

const AGENTS = 100;
const PODS_PER_AGENT = 10;
const oneAtATime: Load = { podsPerAgent: PODS_PER_AGENT, parallel: 1, releases: false };
const loads: Readonly<Record<string, Load>> = {
  'all at once': { ...oneAtATime, parallel: PODS_PER_AGENT },
  'one at a time per agent': oneAtATime,
  'one at a time per agent, every second pod twice': { ...oneAtATime, releases: true },
};
/** An agent that fills a large pool. Kubelet starts this many pods at one time. */
const filling: Load = { podsPerAgent: 5000, parallel: 16, releases: false };
/** The first and the last addresses of a pool that is filled. */
const ENDS = 500;

/** Many agents without nodes, their allocators alone. */
export async function benchScale(quick: boolean, server: ServerChoice): Promise<Row[]> {
  await using cluster = await BenchCluster.start(server);
  const measure = (writer: Writer, agents: number, load: Load, limitSeconds = 120) =>
    runScenario(cluster, { writer, agents, load, limitSeconds });
  const upstream = await measure('upstream', AGENTS, oneAtATime, quick ? 30 : 180);
  await cluster.startController();
  const rows: Row[] = [];
  for (const [name, load] of Object.entries(loads)) {
    const result = await measure('leader', AGENTS, load);
    rows.push(...loadRows(`1,000 pods on 100 agents, ${name}`, result));
    if (load !== oneAtATime) continue;
    const scenario = { writer: 'leader', agents: AGENTS, load, limitSeconds: 120 } as const;
    const four = await runScenario(cluster, { ...scenario, nics: 2, dualStack: true });
    rows.push(upstreamRow(result, upstream, quick), ...fourAddressesRows(four, result));
  }
  rows.push(...fillRows(await measure('leader', 1, quick ? { ...filling, podsPerAgent: 1500 } : filling)));
  const ready = await runApplications(cluster, true);
  rows.push(
    ratioRow(
      '1,000 pods of 100 Deployments, pools of a new subnet : ready pools',
      's',
      await runApplications(cluster, false),
      ready,
      1.2,
    ),
  );
  const podsPerAgent = quick ? 10 : 100;
  const calm = await runSpread(cluster, podsPerAgent, 'calm');
  rows.push(...disturbedRows(await runSpread(cluster, podsPerAgent, 'disturbed'), calm));
  return rows;
}

function loadRows(name: string, result: Result): Row[] {
  return [
    limitRow(`${name}: seconds`, 's', result.seconds, 5),
    limitRow(`${name}: pods without an address`, 'pods', result.failures, 0),
    limitRow(`${name}: pool writes per address`, 'writes', result.writesPerAddress, 0.2),
    limitRow(`${name}, p99 of one allocation : p50`, 'ms', result.p99Ms, 1000, result.p50Ms),
    ratioRow(`${name}, fairness: p99 : p50`, 'ms', result.p99Ms, result.p50Ms, 10),
  ];
}

/** Two NICs with both families, in proportion to one NIC with IPv4: four times as many addresses. */
function fourAddressesRows(four: Result, one: Result): Row[] {
  const name = '1,000 pods with two NICs, dual stack, one at a time per agent';
  return [
    ratioRow(`${name}, seconds : one NIC, IPv4`, 's', four.seconds, one.seconds, 4),
    limitRow(`${name}: requests without addresses`, 'requests', four.failures, 0),
    limitRow(`${name}: pool writes per address`, 'writes', four.writesPerAddress, 0.2),
    limitRow(`${name}, p99 of one request : p50`, 'ms', four.p99Ms, 1000, four.p50Ms),
  ];
}

/** Disturbed, and beside it undisturbed. */
function disturbedRows(disturbed: SpreadResult, calm: SpreadResult): Row[] {
  const { pods, seconds, without, wrong, miscounted } = disturbed;
  const name = `${pods} pods, 20 pools, with kills and an outage`;
  return [
    limitRow(
      `${name}: seconds more than undisturbed : undisturbed`,
      's',
      seconds - calm.seconds,
      60,
      calm.seconds,
    ),
    limitRow(`${name}: pods without an address`, 'pods', without, 0),
    limitRow(`${name}: addresses of two pods or of nobody`, 'addresses', wrong, 0),
    limitRow(`${name}: pools with wrong counts`, 'pools', miscounted, 0),
  ];
}

/** The baseline is given up after a time. Then its time is at least this long. */
function upstreamRow(ours: Result, upstream: Result, quick: boolean): Row {
  const given = upstream.endsMs.length;
  const name = `1,000 pods on 100 agents, one at a time : a writer for each address, which gave ${given}`;
  return ratioRow(name, 's', ours.seconds, upstream.seconds, quick ? 0.2 : 0.02);
}

function fillRows({ endsMs }: Result): Row[] {
  const rate = (from: number, to: number) => ((to - from) * 1000) / ((endsMs[to] ?? 0) - (endsMs[from] ?? 0));
  const last = endsMs.length - 1;
  const name = `one agent fills a pool of ${endsMs.length}`;
  const slowdown = rate(last - ENDS, last) / rate(0, ENDS);
  return [
    floorRow(`${name}: addresses per second`, '/s', rate(0, last), 500),
    floorRow(`${name}: rate of the last ${ENDS} / rate of the first`, '', slowdown, 0.8),
  ];
}
