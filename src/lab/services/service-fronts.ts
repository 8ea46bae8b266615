// What each port of each Service means on one node: the address and port where it is reached, and its endpoints.

import type { EndpointSlice, Service } from '#api';
import { type Family, formatAddress } from '#ip';
import { serviceFronts as clusterFronts } from '#plan/trace';

/** An address behind a Service. */
export interface ProxyEndpoint {
  readonly address: string;
  readonly port: number;
  /** Whether the endpoint is on this node. */
  readonly local: boolean;
}

/** One port of a Service in one family. */
export interface ServiceFront {
  /** `namespace/name/port/tcp/v4`: unique, and valid as part of a chain's name. */
  readonly name: string;
  readonly family: Family;
  readonly protocol: 'tcp' | 'udp';
  readonly clusterIp: string;
  readonly port: number;
  readonly nodePort?: number;
  /** externalTrafficPolicy Local: NodePort traffic stays on the node and keeps its source. */
  readonly externalLocal: boolean;
  /** internalTrafficPolicy Local: ClusterIP traffic stays on the node. */
  readonly internalLocal: boolean;
  readonly endpoints: readonly ProxyEndpoint[];
}

/** The fronts of all Services that have a ClusterIP, sorted by name, so that equal input gives equal rules. */
export function serviceFronts(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  nodeName: string,
): ServiceFront[] {
  return clusterFronts(services, slices)
    .map(({ namespace, name, clusterIp, endpoints, ...front }) => ({
      ...front,
      name: `${namespace}/${name}/${front.port}/${front.protocol}/v${clusterIp.family}`,
      family: clusterIp.family,
      clusterIp: formatAddress(clusterIp),
      endpoints: endpoints
        .map(({ address, port, node }) => ({
          address: formatAddress(address),
          port,
          local: node === nodeName,
        }))
        .toSorted((a, b) => (a.address < b.address ? -1 : 1)),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
