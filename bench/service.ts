// Measures sockets of an underlay pod to a Service: in socket calls, through kube-proxy, and to the backend itself. And how
// soon the tables are filled.

import { NodeProcess } from './node-process.ts';
import { limitRow, median, type Row, ratioRow } from './row.ts';
import type { Mode, ServiceOrder, Way } from './service-node.ts';
import { benchServiceSync } from './service-sync.ts';
import { inTurn, throughProxy } from './service-ways.ts';

type Node = NodeProcess<ServiceOrder>;

/** The ways take turns. Both ends are on one processor: so it is the work that counts, and not how soon a processor wakes. */
export async function benchService(quick: boolean): Promise<Row[]> {
  const node: Node = new NodeProcess<ServiceOrder>('service-node.ts');
  const rounds = quick ? 3 : 9;
  try {
    await node.order({ do: 'prepare' });
    const turns = await inTurn(rounds, (way) => measure(node, 'turns', way, 5_000));
    const requests = await inTurn(rounds, (way) => measure(node, 'requests', way, 300));
    const datagrams = await inTurn(rounds, (way) => measure(node, 'datagrams', way, 1_000));
    const connects = await inTurn(rounds, (way) => measure(node, 'connects', way, 300));
    const seen = {
      few: [] as number[],
      many: [] as number[],
      without: [] as number[],
      missed: [] as number[],
    };
    for (let round = 0; round < rounds; round++) {
      seen.few.push(await measure(node, 'connects', 'calls', 300));
      await node.order({ do: 'services', count: 10_000 });
      seen.many.push(await measure(node, 'connects', 'calls', 300));
      await node.order({ do: 'services', count: 10 });
      seen.without.push(await measure(node, 'named', 'direct', 100_000));
      seen.missed.push(await measure(node, 'named', 'missed', 100_000));
    }
    const without = median(seen.without);
    const synced = await benchServiceSync(quick);
    return [
      ratioRow(
        'TCP request to a Service in socket calls, p50 : to the pod itself',
        'µs',
        turns.calls,
        turns.direct,
        1.03,
      ),
      ...throughProxy('the same', turns, 0.755),
      ...throughProxy('connect, request, close, p50', requests, 1 / 1.3),
      ratioRow('connect, close, p50 : to the pod itself', 'µs', connects.calls, connects.direct, 1 / 0.97),
      ratioRow(
        'connect, close with 10,000 Services, p50 : with 10',
        'µs',
        median(seen.many),
        median(seen.few),
        1 / 0.95,
      ),
      ...throughProxy('UDP question and answer, p50', datagrams, 0.75),
      limitRow(
        'connect of a UDP socket that no Service concerns: added, p50 : without programs',
        'µs',
        median(seen.missed) - without,
        0.3,
        without,
      ),
      ...synced,
    ];
  } finally {
    if (!node.ended) await node.order({ do: 'stop' });
  }
}

/** µs of each. */
async function measure(node: Node, mode: Mode, way: Way, count: number): Promise<number> {
  return ((await node.order({ do: 'measure', mode, way, count })) as number) / 1000;
}
