// Measures a Service with the tools that others measure with: sockperf and iperf3.

import { NodeProcess } from './node-process.ts';
import { type Row, ratioFloorRow, ratioRow } from './row.ts';
import type { ServiceOrder, Way } from './service-node.ts';
import type { Tool } from './service-tool.ts';
import { inTurn, rateThroughProxy, throughProxy } from './service-ways.ts';

export async function benchServiceTools(quick: boolean): Promise<Row[]> {
  const node = new NodeProcess<ServiceOrder>('service-node.ts');
  const rounds = quick ? 3 : 7;
  const measured = (tool: Tool) =>
    inTurn(rounds, async (way: Way) => (await node.order({ do: 'tool', tool, way, seconds: 1 })) as number);
  try {
    await node.order({ do: 'prepare' });
    const latency = await measured('latency');
    const load = await measured('load');
    const stream = await measured('stream');
    return [
      ratioRow('sockperf ping-pong, p50 : to the pod itself', 'µs', latency.calls, latency.direct, 1.03),
      ...throughProxy('sockperf ping-pong, p50', latency, 0.755),
      ratioFloorRow('sockperf messages under load : to the pod itself', '/s', load.calls, load.direct, 0.97),
      ...rateThroughProxy('sockperf messages under load', load, 1.48),
      ratioFloorRow('iperf3, one stream : to the pod itself', 'Gbit/s', stream.calls, stream.direct, 0.98),
    ];
  } finally {
    if (!node.ended) await node.order({ do: 'stop' });
  }
}
