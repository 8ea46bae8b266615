// Measures how an agent fills the kernel's tables with the Services of a large cluster.

import { NodeProcess } from './node-process.ts';
import { limitRow, median, type Row } from './row.ts';
import type { PacketFigures, SyncFigures, SyncOrder } from './service-sync-node.ts';

const SERVICES = 10_000;
const ENDPOINTS = 10;

/** Each round is a process of its own, with the memory options of the image. */
export async function benchServiceSync(quick: boolean): Promise<Row[]> {
  const rounds: SyncFigures[] = [];
  const packets: PacketFigures[] = [];
  for (let round = 0; round < (quick ? 3 : 5); round++) {
    const node = new NodeProcess<SyncOrder>('service-sync-node.ts', {
      NODE_OPTIONS: '--max-semi-space-size=2',
    });
    try {
      const order = { do: 'measure', services: SERVICES, endpoints: ENDPOINTS, changes: 50 } as const;
      rounds.push((await node.order(order)) as SyncFigures);
      const ofPackets = {
        do: 'measure-packets',
        services: 1_000,
        endpoints: ENDPOINTS,
        changes: 20,
      } as const;
      packets.push((await node.order(ofPackets)) as PacketFigures);
    } finally {
      if (!node.ended) await node.order({ do: 'stop' });
    }
  }
  const ofPackets = (figure: 'firstMs' | 'againMs') => median(packets.map((round) => round[figure]));
  const packetChanges = packets.map(({ changeMs }) => median(changeMs));
  const of = (figure: 'firstMs' | 'againMs' | 'moreMb') => median(rounds.map((round) => round[figure]));
  const changes = rounds.map(({ changeMs }) => Math.max(...changeMs));
  return [
    limitRow(
      '10,000 Services with 10 endpoints each into the empty tables of socket calls',
      'ms',
      of('firstMs'),
      2000,
    ),
    limitRow('the same by an agent that starts again', 'ms', of('againMs'), 2000),
    limitRow(
      'one changed Service of them, until the kernel has it, slowest of 50',
      'ms',
      median(changes),
      50,
    ),
    limitRow('memory for them, of the agent and of the maps', 'MB', of('moreMb'), 100),
    limitRow(
      '1,000 Services with 10 endpoints each into empty nftables rules',
      'ms',
      ofPackets('firstMs'),
      2000,
    ),
    limitRow('the rules by an agent that starts again', 'ms', ofPackets('againMs'), 2000),
    limitRow('one changed Service of them, until the rules have it, p50', 'ms', median(packetChanges), 50),
  ];
}
