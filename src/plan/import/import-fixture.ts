// A cluster with Multus and another IPAM, for the tests of imports.

import {
  foreignResources,
  NETWORK_STATUS_ANNOTATION,
  type NetworkAttachmentDefinition,
  type Pod,
  resources,
  type WhereaboutsPool,
  type WhereaboutsReservation,
} from '#api';
import type { ImportFacts } from './plan.ts';

/** A definition of a macvlan network with this IPAM. */
export function definition(name: string, ipam: object, metadata: object = {}): NetworkAttachmentDefinition {
  const config = JSON.stringify({ cniVersion: '0.3.1', type: 'macvlan', master: 'eth1', ipam });
  return { metadata: { name, namespace: 'default', resourceVersion: '1', ...metadata }, spec: { config } };
}

/** A pod of node1 that shows these addresses on net1, of the network `default/lan`. */
export function pod(
  name: string,
  ips: readonly string[] = [],
  more: { node?: string; phase?: string } = {},
): Pod {
  const shown = [{ name: 'default/lan', interface: 'net1', ips }];
  return resources.pods.schema.parse({
    metadata: {
      ...{ name, namespace: 'default', uid: `uid-${name}` },
      ...(ips.length > 0 && { annotations: { [NETWORK_STATUS_ANNOTATION]: JSON.stringify(shown) } }),
    },
    spec: { nodeName: more.node ?? 'node1', containers: [{ name: 'c' }] },
    status: { phase: more.phase ?? 'Running' },
  });
}

/** `allocations`: the pod of each offset. */
export function whereaboutsPool(
  range: string,
  allocations: Readonly<Record<string, string>>,
): WhereaboutsPool {
  return foreignResources.whereaboutsPools.schema.parse({
    metadata: { name: range.replaceAll(/[:/]/g, '-'), namespace: 'kube-system' },
    spec: {
      range,
      allocations: Object.fromEntries(
        Object.entries(allocations).map(([offset, name]) => [
          offset,
          { id: `sandbox-${name}`, podref: `default/${name}`, ifname: 'net1' },
        ]),
      ),
    },
  });
}

export function reservation(name: string, podName: string): WhereaboutsReservation {
  return foreignResources.whereaboutsReservations.schema.parse({
    metadata: { name, namespace: 'kube-system' },
    spec: { podref: `default/${podName}`, ifname: 'net1' },
  });
}

/** A cluster where our agents are installed, and nothing else is there. */
export function facts(changes: Partial<ImportFacts> = {}): ImportFacts {
  return {
    ...{ definitions: [], pools: [], endpoints: [], pods: [], whereaboutsPools: [], reservations: [] },
    ...{ files: [], nodesRead: new Map<string, ReadonlySet<string>>(), isInstalled: true },
    ...changes,
  };
}
