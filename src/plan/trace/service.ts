// What kube-proxy does for Services: where it handles a packet, which endpoints the packet may go to, and whose source
// it replaces.

import type { EndpointSlice, Service, ServicePort } from '#api';
import { type Address, cidrContains, type Family, parseAddress, sameAddress } from '#ip';
import type { ServiceEndpoint, ServiceFront } from './service-front.ts';
import type { Packet, ServiceRules } from './world.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';

/** Headless and ExternalName Services are left out, because kube-proxy does not handle them. */
export function serviceFronts(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
): ServiceFront[] {
  return services.flatMap((service) => {
    const { namespace = '', name = '' } = service.metadata;
    const own = slices.filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.[SERVICE_NAME] === name,
    );
    return (service.spec?.ports ?? []).flatMap((port) =>
      clusterIpsOf(service).flatMap(
        (clusterIp) => frontOf(service, port, parseAddress(clusterIp), own) ?? [],
      ),
    );
  });
}

function clusterIpsOf({ spec }: Service): string[] {
  if (spec?.type === 'ExternalName') return [];
  const addresses = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP]);
  return addresses.filter((address) => address !== '' && address !== 'None');
}

function frontOf(
  { metadata, spec }: Service,
  port: ServicePort,
  clusterIp: Address,
  slices: readonly EndpointSlice[],
): ServiceFront | undefined {
  const protocol = port.protocol ?? 'TCP';
  if (protocol === 'SCTP') return undefined;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    protocol: protocol === 'TCP' ? 'tcp' : 'udp',
    clusterIp,
    port: port.port,
    ...(port.nodePort !== undefined && port.nodePort !== 0 && { nodePort: port.nodePort }),
    externalLocal: spec?.externalTrafficPolicy === 'Local',
    internalLocal: spec?.internalTrafficPolicy === 'Local',
    endpoints: slices.flatMap((slice) => endpointsOf(slice, port, protocol, clusterIp.family)),
  };
}

/** If readiness is not set, the endpoint counts as ready (EndpointConditions of the API). */
function endpointsOf(slice: EndpointSlice, port: ServicePort, protocol: string, family: Family) {
  if (slice.addressType !== `IPv${family}`) return [];
  const target = slice.ports?.find(
    (each) => (each.name ?? '') === (port.name ?? '') && (each.protocol ?? 'TCP') === protocol,
  )?.port;
  if (target === undefined || target === null) return [];
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses, nodeName }) =>
      addresses.slice(0, 1).map((address) => ({
        address: parseAddress(address),
        port: target,
        ...(nodeName !== undefined && nodeName !== null && { node: nodeName }),
      })),
    );
}

/** What a node's kube-proxy does with a packet to a Service. */
export interface Balancing {
  readonly front: ServiceFront;
  readonly by: 'ClusterIP' | 'NodePort';
  /** The endpoints that the packet may go to. One is chosen at random. */
  readonly endpoints: readonly ServiceEndpoint[];
  /** The source is replaced by the node's address. An endpoint's own packet to itself is always replaced. */
  readonly masquerades: boolean;
}

/** Undefined if the packet goes to no Service. `isLocal` tells the node's own addresses. */
export function balancing(
  { fronts, clusterCidrs }: ServiceRules,
  node: string,
  packet: Packet,
  isLocal: (address: Address) => boolean,
): Balancing | undefined {
  const fitting = fronts.filter(({ protocol }) => protocol === packet.protocol);
  const isInside = clusterCidrs.some((cidr) => cidrContains(cidr, packet.source));
  const onNode = (endpoints: readonly ServiceEndpoint[]) => endpoints.filter((each) => each.node === node);
  for (const front of fitting) {
    const { clusterIp, port, internalLocal, endpoints } = front;
    if (port !== packet.destinationPort || !sameAddress(clusterIp, packet.destination)) continue;
    return {
      front,
      by: 'ClusterIP',
      endpoints: internalLocal ? onNode(endpoints) : endpoints,
      masquerades: !isInside,
    };
  }
  const front = fitting.find(
    ({ nodePort, clusterIp }) =>
      nodePort === packet.destinationPort && clusterIp.family === packet.destination.family,
  );
  if (front === undefined || !isLocal(packet.destination)) return undefined;
  // Policy Local applies to clients outside. Pods and the node itself reach every endpoint.
  const isOutside = front.externalLocal && !isInside && !isLocal(packet.source);
  return {
    front,
    by: 'NodePort',
    endpoints: isOutside ? onNode(front.endpoints) : front.endpoints,
    masquerades: !front.externalLocal || isLocal(packet.source),
  };
}
