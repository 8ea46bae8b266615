// What pods leave in the pools, in the cluster and on the nodes. It must be nothing after the pods have ended.

import { type Cluster, type NodeName, nodeNames } from './cluster.ts';
import { until } from './command.ts';

interface PoolObject {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly ips: readonly string[] };
  readonly status?: { readonly allocatedIPs?: string };
}

/** An address that a pool records as held. */
export interface Allocation {
  readonly pool: string;
  readonly address: string;
  readonly podUid: string;
}

export async function allocations(cluster: Cluster): Promise<Allocation[]> {
  const { items } = (await cluster.get('spiderippools')) as { items: PoolObject[] };
  return items.flatMap(({ metadata, status }) => {
    const held = JSON.parse(status?.allocatedIPs || '{}') as Record<string, { podUid: string }>;
    return Object.entries(held).map(([address, { podUid }]) => ({ pool: metadata.name, address, podUid }));
  });
}

/** Lines about our objects on the node: veths of underlay pods, their routes, neighbours and records. */
export async function nodeTraces(cluster: Cluster, node: NodeName): Promise<string[]> {
  const hostTable = 500;
  // ROUTE_PROTOCOL is 0x4f. iproute2 prints a protocol without a name in this form.
  const ourProtocol = 79;
  const script = [
    ...[4, 6].map(
      (family) => `ip -${family} -o route show table ${hostTable} 2>/dev/null | sed 's/^/route /'`,
    ),
    `ip -o neigh show nud permanent | grep 'proto ${ourProtocol}' | sed 's/^/neighbour /'`,
    'ls /var/lib/orbweaver/attachments /var/lib/orbweaver/del-queue | grep -v -e : -e "^$" | sed "s/^/file /"',
    // The plugin ptp makes the pairs of overlay pods, and gives them similar names.
    `ip -o link show type veth | grep -v 'eth[012]@' | sed 's/^/link /'`,
  ];
  const text = await cluster.node(node, ['sh', '-c', script.join('\n')]);
  return text.split('\n').filter((line) => line !== '');
}

/** The number of DELs on the node that wait for their agent. */
export async function queuedDels(cluster: Cluster, node: NodeName): Promise<number> {
  const names = await cluster.node(node, ['ls', '/var/lib/orbweaver/del-queue']);
  return names.split('\n').filter((name) => name.endsWith('.del')).length;
}

/** Everything that remains of the pods in the cluster and on the nodes, in words. */
export async function allTraces(cluster: Cluster): Promise<string[]> {
  const endpoints = (await cluster.get('spiderendpoints', '-A')) as {
    items: { metadata: { name: string } }[];
  };
  const ofNodes = await Promise.all(
    nodeNames.map(async (node) => (await nodeTraces(cluster, node)).map((line) => `${node}: ${line}`)),
  );
  return [
    ...(await allocations(cluster)).map(({ pool, address }) => `pool ${pool} holds ${address}`),
    ...endpoints.items.map(({ metadata }) => `SpiderEndpoint ${metadata.name}`),
    ...ofNodes.flat(),
  ];
}

/** Waits until pods have left nothing: see {@link allTraces}. */
export async function untilNothingLeft(cluster: Cluster, seconds = 60): Promise<void> {
  await until('nothing is left', seconds, async () => {
    const left = await allTraces(cluster);
    if (left.length > 0) throw new Error(left.join('\n'));
    return true;
  });
}
