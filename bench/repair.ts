// Measures how soon running pods are repaired, with one pod on the node and with 250 pods.
// It also measures the work of an agent with 250 pods while nothing changes.

import { NodeProcess } from './node-process.ts';
import type { Move, RepairOrder } from './repair-node.ts';
import { limitRow, median, type Row } from './row.ts';

const CROWD = 250;
/** The promise: running pods are repaired within two seconds. */
const PROMISE_MS = 2000;

interface Figures {
  readonly moves: Move[];
  readonly mendedMs: number[];
}

async function measure(node: NodeProcess<RepairOrder>, rounds: number): Promise<Figures> {
  const figures: Figures = { moves: [], mendedMs: [] };
  for (let round = 0; round < rounds; round++) {
    const network = `10.${100 + round}.0.0/16`;
    figures.moves.push((await node.order({ do: 'moveServices', network })) as Move);
    figures.mendedMs.push((await node.order({ do: 'breakOne' })) as number);
  }
  return figures;
}

/** Measures repair. `quick` gives a rough result with fewer rounds. */
export async function benchRepair(quick: boolean): Promise<Row[]> {
  const node = new NodeProcess<RepairOrder>('repair-node.ts');
  const rounds = quick ? 3 : 9;
  const idleSeconds = quick ? 10 : 60;
  try {
    await node.order({ do: 'fill', count: 1 });
    const one = await measure(node, rounds);
    await node.order({ do: 'fill', count: CROWD });
    const many = await measure(node, rounds);
    const idleMs = (await node.order({ do: 'idle', seconds: idleSeconds })) as number;
    return [
      limitRow(
        `a new Service CIDR is in all of ${CROWD} pods, worst : in one`,
        'ms',
        Math.max(...many.moves.map(({ tookMs }) => tookMs)),
        PROMISE_MS,
        median(one.moves.map(({ tookMs }) => tookMs)),
      ),
      limitRow(
        'processor time of the agent for it, looking again included, p50',
        'ms',
        median(many.moves.map(({ workedMs }) => workedMs)),
        PROMISE_MS,
      ),
      limitRow(
        `a deleted rule of one of ${CROWD} pods is back, worst : of one`,
        'ms',
        Math.max(...many.mendedMs),
        PROMISE_MS,
        median(one.mendedMs),
      ),
      limitRow(`idle agent with ${CROWD} pods, of a core`, '%', idleMs / idleSeconds / 10, 1),
    ];
  } finally {
    if (!node.ended) await node.order({ do: 'stop' });
  }
}
