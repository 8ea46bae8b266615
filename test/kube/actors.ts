// The senders and receivers where an overlay and an underlay meet: pods of the overlay alone (C), of the underlay alone (M), of both (X).

import { type Cluster, type NodeName, nodeNames } from './cluster.ts';
import { internalAddresses, probeIn } from './places.ts';

export const sorts = ['C', 'M', 'X'] as const;

export type Sort = (typeof sorts)[number];

/** NodePorts of three-sorts.yaml, by the sort of the Service: first of policy Cluster, then of policy Local. */
export const nodePorts = { C: [30_100, 30_101], M: [30_110, 30_111], X: [30_120, 30_121] } as const;

export interface Actor {
  readonly name: string;
  readonly probe: readonly [string, ...string[]];
}

export interface PodActor extends Actor {
  readonly sort: Sort;
  readonly node: NodeName;
  readonly overlay: readonly string[];
  readonly underlay: readonly string[];
}

export interface NodeActor extends Actor {
  readonly node: NodeName;
  /** All of its addresses except link-local ones, including those of tunnel devices. */
  readonly addresses: readonly string[];
  /** The addresses at which it serves NodePorts. */
  readonly internal: readonly string[];
}

export interface Cast {
  readonly pods: readonly PodActor[];
  readonly nodes: readonly NodeActor[];
  readonly services: Readonly<Record<Sort, readonly string[]>>;
  /** A host outside the cluster. */
  readonly client: Actor & { readonly addresses: readonly string[] };
}

interface PodObject {
  readonly metadata: {
    readonly name: string;
    readonly labels: { readonly app: string };
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName: NodeName };
  readonly status: { readonly podIPs: readonly { readonly ip: string }[] };
}

export async function castOf(cluster: Cluster, probe: string): Promise<Cast> {
  const { items } = (await cluster.get('pods', '-l', 'app in (c,m,x)')) as { items: PodObject[] };
  const nodes = nodeNames.map(async (node, i): Promise<NodeActor> => {
    const addresses = await addressesOfNode(cluster, node);
    return {
      name: node,
      node,
      addresses,
      internal: internalAddresses(i),
      probe: [...cluster.entering(node), probe],
    };
  });
  return {
    pods: items.map((pod) => podActor(cluster, pod)),
    nodes: await Promise.all(nodes),
    services: Object.fromEntries(
      await Promise.all(sorts.map(async (sort) => [sort, await clusterAddresses(cluster, sort)] as const)),
    ) as Record<Sort, string[]>,
    client: {
      name: 'client',
      addresses: ['172.30.0.1', 'fd00:172:30::1'],
      probe: [...cluster.entering('hub'), probe],
    },
  };
}

function podActor(cluster: Cluster, { metadata, spec, status }: PodObject): PodActor {
  const sort = metadata.labels.app.toUpperCase() as Sort;
  const first = status.podIPs.map(({ ip }) => ip);
  const networks = JSON.parse(metadata.annotations['k8s.v1.cni.cncf.io/network-status'] ?? '[]') as {
    readonly interface?: string;
    readonly ips?: readonly string[];
  }[];
  const second = networks.find((network) => network.interface === 'net1')?.ips ?? [];
  return {
    name: `${metadata.name} of ${spec.nodeName}`,
    sort,
    node: spec.nodeName,
    overlay: sort === 'M' ? [] : first,
    underlay: sort === 'M' ? first : second,
    probe: probeIn(cluster, metadata.name),
  };
}

async function addressesOfNode(cluster: Cluster, node: NodeName): Promise<string[]> {
  const links = JSON.parse(await cluster.node(node, ['ip', '-j', 'address', 'show', 'scope', 'global'])) as {
    readonly addr_info?: readonly { readonly local?: string }[];
  }[];
  const found = links.flatMap(({ addr_info: infos = [] }) => infos.map(({ local }) => local));
  return [...new Set(found.filter((address) => address !== undefined))];
}

async function clusterAddresses(cluster: Cluster, sort: Sort): Promise<readonly string[]> {
  const service = (await cluster.get('service', sort.toLowerCase())) as {
    spec: { readonly clusterIPs: readonly string[] };
  };
  return service.spec.clusterIPs;
}
