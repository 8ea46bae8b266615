// What a trace asks the API: pods, nodes and Services by name, and the settings of kube-proxy and the overlay.

import {
  type EndpointSlice,
  type Node,
  type Pod,
  resources,
  type Service,
  type SpiderCoordinator,
} from '#api';
import { type Address, type Cidr, type Family, parseAddress, parseCidr } from '#ip';
import type { KubeClient } from '#kube';

export interface ClusterFacts {
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  /** Networks of overlay pods, which kube-proxy treats as the cluster's own. */
  readonly overlayCidrs: readonly Cidr[];
}

export async function askCluster(client: KubeClient): Promise<ClusterFacts> {
  const [pods, nodes, services, slices, coordinators] = await Promise.all([
    client.list(resources.pods),
    client.list(resources.nodes),
    client.list(resources.services),
    client.list(resources.endpointSlices),
    client.list(resources.spiderCoordinators),
  ]);
  return {
    ...{ pods: pods.items, nodes: nodes.items, services: services.items, slices: slices.items },
    overlayCidrs: coordinators.items.flatMap(overlayCidrsOf),
  };
}

function overlayCidrsOf({ status }: SpiderCoordinator): Cidr[] {
  return (status?.overlayPodCIDR ?? []).map(parseCidr);
}

/** `namespace/name`. */
export function podName({ metadata }: Pod): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}

export function podAddresses({ status }: Pod): Address[] {
  return (status?.podIPs ?? []).map(({ ip }) => parseAddress(ip));
}

export function nodeAddresses({ status }: Node): Address[] {
  const own = (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return own.map(({ address }) => parseAddress(address));
}

export function ofFamily(addresses: readonly Address[], family: Family): Address | undefined {
  return addresses.find((address) => address.family === family);
}
