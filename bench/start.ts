// Measures how soon a new agent serves pods: on a node with many pods and pools with many records, and on an empty node.

import type { CoordinatorOrder } from './coordinator-node.ts';
import { NodeProcess } from './node-process.ts';
import { limitRow, median, type Row } from './row.ts';

const CROWD = 250;
const RECORDS = 5000;
const LIMIT_MS = 1000;
const chain = ['spiderpool', 'coordinator'] as const;

type Node = NodeProcess<CoordinatorOrder>;

/** Measures from the start of the agent's process to its first answer. The nodes take turns. */
export async function benchStart(quick: boolean): Promise<Row[]> {
  const [empty, full] = [newNode(), newNode()];
  try {
    await prepare(empty, 0, 0);
    await prepare(full, CROWD, RECORDS - CROWD);
    const times = new Map<Node, number[]>([empty, full].map((node) => [node, []]));
    for (let round = 0; round < (quick ? 5 : 15); round++) {
      for (const [node, list] of times) {
        list.push((await node.order({ do: 'restart', kind: 'dual', first: 0, types: chain })) as number);
      }
    }
    const p50 = (node: Node) => median(times.get(node) ?? []);
    const name = `agent's start until an ADD is served, ${CROWD} attachments, pools of ${RECORDS} records, p50 : none`;
    return [limitRow(name, 'ms', p50(full), LIMIT_MS, p50(empty))];
  } finally {
    await Promise.all([empty, full].filter(({ ended }) => !ended).map((node) => node.order({ do: 'stop' })));
  }
}

function newNode(): Node {
  return new NodeProcess<CoordinatorOrder>('coordinator-node.ts');
}

/** Pod 0 is the one that each new agent serves first. */
async function prepare(node: Node, attachments: number, records: number): Promise<void> {
  await node.order({ do: 'prepare', kind: 'dual', count: attachments + 1 });
  const all = { types: chain, kind: 'dual', first: 1, count: attachments } as const;
  await node.order({ do: 'call', verb: 'ADD', ...all });
  await node.order({ do: 'fillPools', count: records });
}
