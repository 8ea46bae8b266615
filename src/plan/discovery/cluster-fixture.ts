// Objects of clusters for the tests of this folder. YAML is JSON here; control-plane.test.ts reads real YAML.

import {
  type ConfigMap,
  foreignResources,
  type Node,
  type Pod,
  resources,
  type SpiderCoordinator,
} from '#api';
import {
  CLUSTER_CNI_ANNOTATION,
  type ClusterFacts,
  clusterCniText,
  type Discovery,
  discoverNetworks,
} from './index.ts';

export type PodCIDRType = NonNullable<SpiderCoordinator['spec']>['podCIDRType'];

export function read<T>(...items: T[]) {
  return { state: 'read', items } as const;
}

export const notServed = { state: 'notServed' } as const;
export const forbidden = { state: 'forbidden', said: 'no' } as const;
export const failed = { state: 'failed', said: '503' } as const;

export function configMap(name: string, data: Record<string, string>, namespace = 'kube-system'): ConfigMap {
  return resources.configMaps.schema.parse({ metadata: { name, namespace }, data });
}

export function kubeadmConfig(networking: object): ConfigMap {
  return configMap('kubeadm-config', { ClusterConfiguration: JSON.stringify({ networking }) });
}

export function staticPod(...command: string[]): Pod {
  return resources.pods.schema.parse({
    metadata: { name: 'p', namespace: 'kube-system' },
    spec: { containers: [{ name: 'c', command }] },
    status: { phase: 'Running' },
  });
}

interface NodeFields {
  /** Name and types of the CNI configuration, as the agent writes them. */
  readonly cni?: readonly [name: string, ...types: string[]];
  readonly podCIDRs?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly address?: string;
}

let nodesMade = 0;

export function node({ cni, podCIDRs, annotations = {}, address }: NodeFields): Node {
  const [name = '', ...types] = cni ?? [];
  const said = cni === undefined ? {} : { [CLUSTER_CNI_ANNOTATION]: clusterCniText({ name, types }) };
  nodesMade += 1;
  return resources.nodes.schema.parse({
    metadata: { name: `n${nodesMade}`, annotations: { ...annotations, ...said } },
    spec: podCIDRs === undefined ? {} : { podCIDRs },
    status: { addresses: address === undefined ? [] : [{ type: 'InternalIP', address }] },
  });
}

export function serviceCIDR(name: string, cidrs: string[], metadata: object = {}) {
  return foreignResources.serviceCIDRs.schema.parse({ metadata: { name, ...metadata }, spec: { cidrs } });
}

export function calicoPool(name: string, cidr: string, spec: object = {}, metadata: object = {}) {
  return foreignResources.calicoPools.schema.parse({
    metadata: { name, ...metadata },
    spec: { cidr, ...spec },
  });
}

export function ciliumPool(name: string, ipv4: string[], ipv6: string[] = [], metadata: object = {}) {
  return foreignResources.ciliumPools.schema.parse({
    metadata: { name, ...metadata },
    spec: { ipv4: { cidrs: ipv4, maskSize: 24 }, ipv6: { cidrs: ipv6, maskSize: 120 } },
  });
}

export const calicoNode = node({ cni: ['k8s-pod-network', 'calico', 'portmap'] });
export const ciliumNode = node({ cni: ['cilium', 'cilium-cni'] });

/** Everything was listed, and the cluster has nothing but the `kubernetes` ServiceCIDR. */
export const bareCluster: ClusterFacts = {
  nodes: read(node({})),
  serviceCIDRs: read(serviceCIDR('kubernetes', ['10.96.0.0/12'])),
  serviceCIDRsBeta: notServed,
  kubeadmConfig: read(),
  controllerManagers: read(),
  apiServers: read(),
  calicoPools: notServed,
  calicoPoolStorage: notServed,
  ciliumConfig: read(),
  ciliumPools: notServed,
  ciliumNodes: notServed,
  flannelConfig: read(),
};

/** The bare cluster with `changes`. */
export function discovered(
  podCIDRType: PodCIDRType,
  changes: ClusterFacts = {},
  readYaml: (text: string) => unknown = JSON.parse,
): Discovery {
  const coordinator = { metadata: { name: 'default', generation: 3 }, spec: { podCIDRType } };
  return discoverNetworks(coordinator as SpiderCoordinator, { ...bareCluster, ...changes }, { readYaml });
}

/** The status. There must be one. */
export function statusOf(...asked: Parameters<typeof discovered>) {
  const { status } = discovered(...asked);
  if (status === undefined) throw new Error('a source was not read');
  return status;
}

/** `Synced [overlay] [services]`. */
export function summary(...asked: Parameters<typeof discovered>): string {
  const { phase, overlayPodCIDR, serviceCIDR: services } = statusOf(...asked);
  return `${phase} [${overlayPodCIDR.join(' ')}] [${services.join(' ')}]`;
}
