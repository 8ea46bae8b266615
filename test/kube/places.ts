// Who talks to whom: the nodes, the pods and the Services as they are found in the cluster.

import { type Cluster, home, type NodeName, nodeNames } from './cluster.ts';

export interface Place {
  readonly name: string;
  readonly kind: 'underlay pod' | 'overlay pod' | 'node' | 'service';
  readonly node: NodeName | undefined;
  /** IPv4 before IPv6. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Runs lab-probe there. */
  readonly probe: readonly [string, ...string[]];
}

export interface PodPlace extends Place {
  readonly uid: string;
  readonly node: NodeName;
}

/** The port that every server of this test listens on. */
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
  const kubectl = [
    `${home}/bin/kubectl`,
    '--kubeconfig',
    `${home}/pki/admin.kubeconfig`,
    '--cache-dir',
    `${home}/kubectl-cache`,
  ];
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata: { name, uid }, spec: { nodeName }, status }) => ({
      name: `${app} pod ${name} of ${nodeName}`,
      kind: `${app} pod` as const,
      uid,
      node: nodeName,
      addresses: (status.podIPs ?? []).map(({ ip }) => ip),
      port: serverPort,
      probe: [...cluster.entering('hub'), ...kubectl, 'exec', '-i', name, '--', 'lab-probe'] as const,
    }));
}

/** The nodes with both their addresses of each family: the InternalIP, and the one on the LAN. */
export function nodePlaces(cluster: Cluster, probe: string): Place[] {
  return nodeNames.map((name, i) => ({
    name,
    kind: 'node',
    node: name,
    addresses: [
      `172.30.0.${11 + i}`,
      `192.168.50.${11 + i}`,
      `fd00:172:30::${11 + i}`,
      `fd00:192:168:50::${11 + i}`,
    ],
    port: serverPort,
    probe: [...cluster.entering(name), probe],
  }));
}

export async function servicePlace(cluster: Cluster, name: string): Promise<Place> {
  const { spec } = (await cluster.get('service', name)) as ServiceObject;
  const none = ['false'] as const;
  return {
    name: `Service ${name}`,
    kind: 'service',
    node: undefined,
    addresses: spec.clusterIPs,
    port: 80,
    probe: none,
  };
}
