// Measures addresses on the port of a VM with the real Neutron, beside those of a pool and beside one write for each pod.

import { unpackedServers } from '../test/openstack/servers/installation.ts';
import { NodeProcess } from './node-process.ts';
import type { OpenStackFigures, OpenStackOrder } from './openstack-node.ts';
import { limitRow, type Row, ratioRow } from './row.ts';

/** No rows, and a line that says why, where the servers cannot be had. */
export async function benchOpenStack(quick: boolean): Promise<Row[]> {
  const root = await unpackedServers();
  if (root instanceof Error) {
    console.error(
      `openstack is skipped: Debian 12's servers cannot be had here: ${root.message.split('\n')[0]}`,
    );
    return [];
  }
  const node = new NodeProcess<OpenStackOrder>('openstack-node.ts');
  try {
    return rowsOf((await node.order({ do: 'measure', root, quick })) as OpenStackFigures);
  } finally {
    if (!node.ended) await node.order({ do: 'stop' });
  }
}

function rowsOf({ adds, callsOfAdds, refill, writesInMinute, burst }: OpenStackFigures): Row[] {
  return [
    ...adds.map(({ atOnce, port, pool }) =>
      ratioRow(
        `ADD with an address of a Neutron port that is ready, ${atOnce} in parallel, p50 : of a SpiderIPPool`,
        'ms',
        port,
        pool,
        1.1,
      ),
    ),
    limitRow('requests to OpenStack in 16 such ADDs', 'requests', callsOfAdds, 0),
    limitRow(
      'addresses of a Neutron port fetched in batches of 20, for each : one at a time',
      'ms',
      refill.batch,
      100,
      refill.alone,
    ),
    limitRow('100 pods in one minute on one Neutron port: writes of the port', 'writes', writesInMinute, 15),
    ...burst.ready.map(([ready, ms]) =>
      ratioRow(
        `20 pods at once on one Neutron port, ${ready} addresses ready, all served : lock, append, read, compare`,
        'ms',
        ms,
        burst.appended,
        0.1,
      ),
    ),
  ];
}
