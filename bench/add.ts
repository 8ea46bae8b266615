// Compares ADD of macvlan + spiderpool + coordinator with ADD of the reference macvlan + host-local, in turn.
// It also measures many ADDs on one pool, and the agent's memory.

import { BenchNode } from './bench-node.ts';
import type { Chain } from './cni-node.ts';
import { limitRow, median, type Row, ratioRow } from './row.ts';

/** The number of rounds for each number of parallel ADDs, and the maximum ratio. */
const loads = [
  { atOnce: 1, rounds: 40, target: 2 },
  { atOnce: 16, rounds: 8, target: 2.5 },
  { atOnce: 50, rounds: 5, target: 2.5 },
] as const;
const CROWD = 250;

/** The median of each chain in milliseconds. The order changes from round to round, so that no chain always runs after the same one. */
async function inTurn(node: BenchNode, chains: readonly Chain[], atOnce: number, rounds: number) {
  const times = new Map<Chain, number[]>(chains.map((chain) => [chain, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < chains.length; turn++) {
      const chain = chains[(round + turn) % chains.length] as Chain;
      times.get(chain)?.push(...(await node.addThenDel(chain, 0, atOnce)));
    }
  }
  return (chain: Chain) => median(times.get(chain) ?? []) / 1000;
}

/** Parallel ADDs, IPv4 and dual stack. */
async function benchLoads(node: BenchNode, quick: boolean): Promise<Row[]> {
  const chains: Chain[] = ['reference', 'ipv4', 'dual'];
  for (const chain of chains) await node.prepare(chain, 50);
  // Warm up first: an agent runs for months, so its code is compiled.
  await inTurn(node, chains, 16, 3);
  const rows: Row[] = [];
  for (const { atOnce, rounds, target } of loads) {
    const medianOf = await inTurn(node, chains, atOnce, quick ? Math.ceil(rounds / 4) : rounds);
    const [ours, reference, dual] = [medianOf('ipv4'), medianOf('reference'), medianOf('dual')];
    rows.push(
      ratioRow(
        `ADD IPv4 at ${atOnce} in parallel, p50 : reference macvlan + host-local`,
        'ms',
        ours,
        reference,
        target,
      ),
      ratioRow(`ADD dual stack at ${atOnce} in parallel, p50 : ours with IPv4 alone`, 'ms', dual, ours, 1.2),
    );
  }
  return rows;
}

/** ADDs in turn on a node with one pod and on a node with many pods. Then the agent of the second node is measured. */
async function benchCrowd(lean: BenchNode, crowded: BenchNode, quick: boolean): Promise<Row[]> {
  await Promise.all([lean.prepare('ipv4', 60), crowded.prepare('ipv4', CROWD + 60)]);
  // Both agents get the same warm-up: each serves the same number of requests.
  for (let done = 0; done < CROWD; done += 25) {
    await crowded.add('ipv4', 10 + done, 25);
    await lean.addThenDel('ipv4', 10, 25);
  }
  await lean.add('ipv4', 10, 1);
  const [alone, among]: [number[], number[]] = [[], []];
  for (let round = 0; round < (quick ? 10 : 40); round++) {
    alone.push(...(await lean.addThenDel('ipv4', 0, 1)));
    among.push(...(await crowded.addThenDel('ipv4', 0, 1)));
  }
  return [
    ratioRow(
      `ADD IPv4 at ${CROWD} existing pods, p50 : ADD at 1`,
      'ms',
      median(among) / 1000,
      median(alone) / 1000,
      1.1,
    ),
  ];
}

/** 500 ADDs of IPAM, 16 at a time, on one pool with exactly 500 addresses. */
async function benchStorm(node: BenchNode): Promise<Row[]> {
  const count = 500;
  const { failed, poolWrites } = await node.storm(count, 16);
  return [
    limitRow(`${count} ADDs, 16 at a time, one pool of ${count} addresses: failures`, 'ADDs', failed, 0),
    limitRow('the same: pool writes per address', 'writes', poolWrites / count, 0.2),
  ];
}

async function withNodes<T>(count: number, work: (nodes: BenchNode[]) => Promise<T>): Promise<T> {
  const nodes = Array.from({ length: count }, () => new BenchNode());
  try {
    return await work(nodes);
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

/** Measures ADD. `quick` gives a rough result: a quarter of the rounds. */
export async function benchAdd(quick: boolean): Promise<Row[]> {
  const rows = await withNodes(1, async ([node]) => [
    ...(await benchLoads(node as BenchNode, quick)),
    ...(await benchStorm(node as BenchNode)),
  ]);
  const crowdRows = await withNodes(2, ([lean, crowded]) =>
    benchCrowd(lean as BenchNode, crowded as BenchNode, quick),
  );
  return [...rows, ...crowdRows];
}

/** Measures the agent's memory with its attachments present. */
export async function benchMemory(): Promise<Row[]> {
  return withNodes(1, async ([node]) => {
    if (node === undefined) return [];
    await node.prepare('ipv4', CROWD);
    for (let done = 0; done < CROWD; done += 25) await node.add('ipv4', done, 25);
    return [limitRow(`agent with ${CROWD} attachments, resident`, 'MB', await node.residentMb(), 120)];
  });
}
