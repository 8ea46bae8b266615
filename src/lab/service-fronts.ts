// What each port of each Service means on one node: where it is met, and which endpoints it leads to.

import type { EndpointSlice, Service } from '#api';
import type { Family } from '#ip';

/** An address behind a Service. */
export interface ProxyEndpoint {
  readonly address: string;
  readonly port: number;
  /** Whether it is on this node. */
  readonly local: boolean;
}

/** One port of a Service in one family. */
export interface ServiceFront {
  /** `namespace/name/port/tcp/v4`: unique, and fit to be part of a chain's name. */
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

type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

const serviceNameLabel = 'kubernetes.io/service-name';

function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4;
}

/** The fronts of all Services that have a ClusterIP, in the order of their names, so that equal input gives equal rules. */
export function serviceFronts(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  nodeName: string,
): ServiceFront[] {
  const fronts = services.flatMap((service) => {
    const own = slices.filter(
      ({ metadata }) =>
        metadata.namespace === service.metadata.namespace &&
        metadata.labels?.[serviceNameLabel] === service.metadata.name,
    );
    return (service.spec?.ports ?? []).flatMap((port) =>
      clusterIpsOf(service).flatMap((clusterIp) => frontOf(service, port, clusterIp, own, nodeName) ?? []),
    );
  });
  return fronts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function clusterIpsOf({ spec }: Service): string[] {
  if (spec?.type === 'ExternalName') return [];
  const addresses = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP]);
  return addresses.filter((address) => address !== '' && address !== 'None');
}

function frontOf(
  { metadata, spec }: Service,
  port: ServicePort,
  clusterIp: string,
  slices: readonly EndpointSlice[],
  nodeName: string,
): ServiceFront | undefined {
  const protocol = port.protocol ?? 'TCP';
  if (protocol === 'SCTP') return undefined;
  const family = familyOf(clusterIp);
  const lower = protocol === 'TCP' ? 'tcp' : 'udp';
  return {
    name: `${metadata.namespace}/${metadata.name}/${port.name ?? port.port}/${lower}/v${family}`,
    family,
    protocol: lower,
    clusterIp,
    port: port.port,
    ...(port.nodePort === undefined || port.nodePort === 0 ? {} : { nodePort: port.nodePort }),
    externalLocal: spec?.externalTrafficPolicy === 'Local',
    internalLocal: spec?.internalTrafficPolicy === 'Local',
    endpoints: slices
      .filter((slice) => slice.addressType === `IPv${family}`)
      .flatMap((slice) => endpointsOf(slice, port, protocol, nodeName))
      .toSorted((a, b) => (a.address < b.address ? -1 : 1)),
  };
}

/** The endpoints of a slice that take traffic for a port; unknown readiness counts as ready (EndpointConditions of the API). */
function endpointsOf(
  slice: EndpointSlice,
  port: ServicePort,
  protocol: string,
  nodeName: string,
): ProxyEndpoint[] {
  const target = slice.ports?.find(
    (candidate) => (candidate.name ?? '') === (port.name ?? '') && (candidate.protocol ?? 'TCP') === protocol,
  )?.port;
  if (target === undefined || target === null) return [];
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses, nodeName: on }) =>
      addresses.slice(0, 1).map((address) => ({ address, port: target, local: on === nodeName })),
    );
}
