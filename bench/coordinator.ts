// Measures the agent's part of the verbs of the coordinator.
// It counts the time beside the kernel's own work, the messages to the kernel, the probes and the pods on the node.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileC } from '../tools/build.ts';
import type { CallOrder, CoordinatorOrder, Sends } from './coordinator-node.ts';
import { NodeProcess } from './node-process.ts';
import type { PodKind } from './pod-nics.ts';
import { limitRow, median, percentile, type Row, ratioRow } from './row.ts';

type Node = NodeProcess<CoordinatorOrder>;

const CROWD = 250;
const coordinator = ['coordinator'] as const;
const chain = ['spiderpool', 'coordinator'] as const;

const times = async (node: Node, order: Omit<CallOrder, 'do'> & { mayFail?: boolean }) =>
  (await node.order({ do: 'call', ...order })) as number[];

/** The times of ADDs and of the DELs between them, in milliseconds. */
interface Measured {
  readonly add: number[];
  readonly del: number[];
}

async function addThenDel(
  node: Node,
  kind: PodKind,
  into: Measured,
  types: CallOrder['types'] = coordinator,
): Promise<void> {
  for (const [verb, list] of [
    ['ADD', into.add],
    ['DEL', into.del],
  ] as const) {
    for (const us of await times(node, { verb, types, kind, first: 0, count: 1 })) list.push(us / 1000);
  }
}

const measured = (): Measured => ({ add: [], del: [] });

/** An agent runs for months, so its code is compiled. */
async function warm(node: Node, kinds: readonly PodKind[]): Promise<void> {
  for (const kind of kinds) {
    await node.order({ do: 'prepare', kind, count: 1 });
    for (let round = 0; round < 60; round++) await addThenDel(node, kind, measured());
  }
}

/** One pod and 250 pods on the node, in turn. The reference is the kernel's work for the same objects. */
async function benchCrowd(quick: boolean): Promise<Row[]> {
  return withNodes(2, async ([lean, crowded]) => {
    await Promise.all([warm(lean as Node, ['ipv4']), fill(crowded as Node)]);
    const [one, many, kernel] = [measured(), measured(), [] as number[]];
    for (let round = 0; round < (quick ? 60 : 300); round++) {
      await addThenDel(lean as Node, 'ipv4', one);
      await addThenDel(crowded as Node, 'ipv4', many);
      kernel.push(((await lean?.order({ do: 'kernelWork' })) as number) / 1000);
    }
    const name = 'coordinator ADD, one NIC, IPv4, agent side';
    return [
      limitRow(`${name}, p50 : the same changes alone`, 'ms', median(one.add), 4, median(kernel)),
      limitRow(`${name}, p99 : the same`, 'ms', percentile(one.add, 99), 20, percentile(kernel, 99)),
      ratioRow(`${name} at ${CROWD} pods, p50 : at 1`, 'ms', median(many.add), median(one.add), 1.1),
      limitRow(`coordinator DEL, p50 : ADD`, 'ms', median(one.del), 5, median(one.add)),
    ];
  });
}

async function fill(node: Node): Promise<void> {
  await warm(node, ['ipv4']);
  await node.order({ do: 'prepare', kind: 'dual', count: CROWD });
  await times(node, { verb: 'ADD', types: coordinator, kind: 'dual', first: 0, count: CROWD });
}

/** One NIC and three NICs, both families, in turn. */
async function benchNics(node: Node, quick: boolean): Promise<Row[]> {
  await warm(node, ['dual', 'three']);
  const [one, three] = [measured(), measured()];
  for (let round = 0; round < (quick ? 25 : 100); round++) {
    await addThenDel(node, 'dual', one);
    await addThenDel(node, 'three', three);
  }
  const name = 'coordinator ADDs of a pod with three NICs, dual stack, p50 : with one';
  return [ratioRow(name, 'ms', median(three.add), median(one.add), 2)];
}

/** The time that probes add to IPAM's ADD. */
async function benchProbes(node: Node, quick: boolean): Promise<Row[]> {
  await node.order({ do: 'prepare', kind: 'bare', count: 1 });
  const rounds = quick ? 10 : 30;
  const plain = await ipamAdds(node, rounds);
  const switches = { enableIPConflictDetection: true, enableGatewayDetection: true };
  await node.order({ do: 'configure', switches });
  const probed = await ipamAdds(node, rounds);
  await node.order({ do: 'gateway', up: false });
  const unanswered = await ipamAdds(node, rounds, true);
  await node.order({ do: 'gateway', up: true });
  await node.order({
    do: 'configure',
    switches: { enableIPConflictDetection: false, enableGatewayDetection: false },
  });
  const added = median(probed) - median(plain);
  const worst = Math.max(...unanswered) - median(plain);
  return [
    limitRow(
      'probes of a free address, the gateway answers: added to ADD, p50 : ADD',
      'ms',
      added,
      120,
      median(plain),
    ),
    limitRow(
      'probes when the gateway is silent: added until the refusal, worst : ADD',
      'ms',
      worst,
      300,
      median(plain),
    ),
  ];
}

async function ipamAdds(node: Node, rounds: number, mayFail = false): Promise<number[]> {
  const list: number[] = [];
  const order = { types: ['spiderpool'], kind: 'bare', first: 0, count: 1, mayFail } as const;
  for (let round = 0; round < rounds + 3; round++) {
    const [us = Number.NaN] = await times(node, { verb: 'ADD', ...order });
    // The first calls of an agent that has just started.
    if (round >= 3) list.push(us / 1000);
    await times(node, { verb: 'DEL', ...order });
  }
  return list;
}

/** DELs of both types while the API server does not answer. */
async function benchApiAway(node: Node, quick: boolean): Promise<Row[]> {
  const count = quick ? 25 : 100;
  await node.order({ do: 'prepare', kind: 'ipv4', count });
  const pods = { types: chain, kind: 'ipv4', first: 0, count } as const;
  await times(node, { verb: 'ADD', ...pods });
  await node.order({ do: 'apiServer', up: false });
  const away = (await times(node, { verb: 'DEL', ...pods })).map((us) => us / 1000);
  await node.order({ do: 'apiServer', up: true });
  const name = 'DEL of coordinator and spiderpool with the API away, p99 : p50';
  return [limitRow(name, 'ms', percentile(away, 99), 50, median(away))];
}

/** Messages to the kernel of one ADD. */
async function benchSends(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ow-bench-sends-'));
  const library = join(folder, 'count-sends.so');
  compileC([join(import.meta.dirname, 'count-sends.c')], library, ['-O2', '-fPIC', '-shared'], ['gcc']);
  const environment = { LD_PRELOAD: library, OW_BENCH_SENDS: join(folder, 'sends') };
  try {
    return await withNodes(
      1,
      async ([node]) => {
        if (node === undefined) return [];
        await warm(node, ['dual']);
        const rounds = 10;
        const add: Sends[] = [];
        for (let round = 0; round < rounds; round++) {
          const before = (await node.order({ do: 'sends' })) as Sends;
          await times(node, { verb: 'ADD', types: coordinator, kind: 'dual', first: 0, count: 1 });
          const after = (await node.order({ do: 'sends' })) as Sends;
          add.push({ route: after.route - before.route, nftables: after.nftables - before.nftables });
          await times(node, { verb: 'DEL', types: coordinator, kind: 'dual', first: 0, count: 1 });
        }
        return [
          limitRow(
            'route netlink round trips of an ADD, dual stack',
            'sends',
            median(add.map(({ route }) => route)),
            8,
          ),
          limitRow(
            'nftables round trips of the same',
            'sends',
            median(add.map(({ nftables }) => nftables)),
            8,
          ),
        ];
      },
      environment,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function withNodes<T>(
  count: number,
  work: (nodes: Node[]) => Promise<T>,
  environment: Readonly<Record<string, string>> = {},
): Promise<T> {
  const nodes = Array.from(
    { length: count },
    () => new NodeProcess<CoordinatorOrder>('coordinator-node.ts', environment),
  );
  try {
    return await work(nodes);
  } finally {
    await Promise.all(nodes.filter(({ ended }) => !ended).map((node) => node.order({ do: 'stop' })));
  }
}

/** Measures the coordinator. `quick` gives a rough result: a quarter of the rounds. */
export async function benchCoordinator(quick: boolean): Promise<Row[]> {
  const crowdRows = await benchCrowd(quick);
  const others = await withNodes(1, async ([node]) => [
    ...(await benchNics(node as Node, quick)),
    ...(await benchProbes(node as Node, quick)),
    ...(await benchApiAway(node as Node, quick)),
  ]);
  return [...crowdRows, ...(await benchSends()), ...others];
}
