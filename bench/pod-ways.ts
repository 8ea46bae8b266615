// Measures packets of pods on each kind of network to a machine on the LAN, beside those of the node itself.

import { NodeProcess } from './node-process.ts';
import type { PodWay, PodWaysOrder } from './pod-ways-node.ts';
import { median, type Row, ratioRow } from './row.ts';

/** In the order of the table, with the most that each may cost in times of the node. */
const limits = {
  'host-device-plus': 1.2,
  'macvlan and coordinator': 1.2,
  'macvlan and veth-host': 1.2,
  'veth-route': 1.6,
} as const satisfies Partial<Record<PodWay, number>>;

type Measured = keyof typeof limits;

const figures = [
  { mode: 'turns', name: 'TCP request of a pod', count: 5_000 },
  { mode: 'connects', name: 'TCP connect and close of a pod', count: 500 },
] as const;

/** Each turn of a way stands beside a turn of the node, so that a busy machine slows both. */
export async function benchPodWays(quick: boolean): Promise<Row[]> {
  const node = new NodeProcess<PodWaysOrder>('pod-ways-node.ts');
  const rounds = quick ? 5 : 25;
  try {
    await node.order({ do: 'prepare' });
    const rows: Row[] = [];
    for (const { mode, name, count } of figures) {
      const measure = async (way: PodWay) =>
        ((await node.order({ do: 'measure', mode, way, count })) as number) / 1000;
      for (const way of Object.keys(limits) as Measured[]) {
        const pairs: { readonly pod: number; readonly node: number }[] = [];
        for (let round = 0; round < rounds; round++)
          pairs.push({ node: await measure('node'), pod: await measure(way) });
        const reference = median(pairs.map((pair) => pair.node));
        const ratio = median(pairs.map((pair) => pair.pod / pair.node));
        rows.push(
          ratioRow(
            `${name} on ${way}, p50 : of the node itself`,
            'µs',
            ratio * reference,
            reference,
            limits[way],
          ),
        );
      }
    }
    return rows;
  } finally {
    if (!node.ended) await node.order({ do: 'stop' });
  }
}
