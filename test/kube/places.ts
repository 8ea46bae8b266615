// The clients and servers of the tests: the nodes, pods and Services of the cluster.

import { type Cluster, home, type NodeName, nodeNames } from './cluster.ts';

export interface Place {
  readonly name: string;
  readonly kind: 'underlay pod' | 'overlay pod' | 'node' | 'client' | 'service' | 'local service';
  readonly node: NodeName | undefined;
  readonly addresses: readonly string[];
  readonly port: number;
  /** Runs lab-probe there. */
  readonly probe: readonly [string, ...string[]];
}

export interface PodPlace extends Place {
  readonly uid: string;
  readonly node: NodeName;
}

/** A Service is never a client. */
const nobody = ['false'] as const;

/** The port of every server in this test. */
export const serverPort = 8080;

interface PodObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName: NodeName };
  readonly status: { readonly podIPs?: readonly { readonly ip: string }[] };
}

interface ServiceObject {
  readonly spec: { readonly clusterIPs: readonly string[] };
}

export async function podPlaces(cluster: Cluster, app: 'underlay' | 'overlay'): Promise<PodPlace[]> {
  const { items } = (await cluster.get('pods', '-l', `app=${app}`)) as { items: PodObject[] };
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata: { name, uid }, spec: { nodeName }, status }) => ({
      name: `${app} pod ${name} of ${nodeName}`,
      kind: `${app} pod` as const,
      uid,
      node: nodeName,
      addresses: (status.podIPs ?? []).map(({ ip }) => ip),
      port: serverPort,
      probe: probeIn(cluster, name),
    }));
}

/** Runs lab-probe in a pod. */
export function probeIn(cluster: Cluster, pod: string): [string, ...string[]] {
  const kubectl = [`${home}/bin/kubectl`, '--kubeconfig', `${home}/pki/admin.kubeconfig`];
  const cache = ['--cache-dir', `${home}/kubectl-cache`];
  return [...cluster.entering('hub'), ...kubectl, ...cache, 'exec', '-i', pod, '--', 'lab-probe'];
}

/** The InternalIPs of a node, and its addresses on the LAN. */
export const internalAddresses = (i: number) => [`172.30.0.${11 + i}`, `fd00:172:30::${11 + i}`];
const lanAddresses = (i: number) => [`192.168.50.${11 + i}`, `fd00:192:168:50::${11 + i}`];

export function nodePlaces(cluster: Cluster, probe: string): Place[] {
  return nodeNames.map((name, i) => ({
    name,
    kind: 'node',
    node: name,
    addresses: [...internalAddresses(i), ...lanAddresses(i)],
    port: serverPort,
    probe: [...cluster.entering(name), probe],
  }));
}

/** A host outside the cluster: the router between the networks. */
export function clientPlace(cluster: Cluster, probe: string): Place {
  return {
    name: 'client',
    kind: 'client',
    node: undefined,
    addresses: ['172.30.0.1', 'fd00:172:30::1'],
    port: serverPort,
    probe: [...cluster.entering('hub'), probe],
  };
}

/** The NodePorts of workloads.yaml at the nodes' InternalIPs. In mode nftables, kube-proxy serves no other node addresses. */
export function nodePortPlaces(): Place[] {
  return nodeNames.flatMap((node, i) => {
    const place = { node, addresses: internalAddresses(i), probe: nobody };
    return [
      { ...place, name: `NodePort of ${node}`, kind: 'service' as const, port: 30080 },
      {
        ...place,
        name: `NodePort of ${node} with policy Local`,
        kind: 'local service' as const,
        port: 30082,
      },
    ];
  });
}

export async function servicePlace(cluster: Cluster, name: string): Promise<Place> {
  const { spec } = (await cluster.get('service', name)) as ServiceObject;
  return {
    name: `Service ${name}`,
    kind: 'service',
    node: undefined,
    addresses: spec.clusterIPs,
    port: 80,
    probe: nobody,
  };
}
