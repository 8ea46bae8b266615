// What one Service means on one node: each of its addresses and ports, and the backends behind it.

import type { EndpointSlice, Service, ServicePort } from '#api';
import { type Address, parseAddress, sameAddress } from '#ip';
import type { ClientNode } from './client-node.ts';
import { endpointsFor, endpointsOf } from './endpoints.ts';
import type { Frontend, Place, ServiceEntry } from './tables.ts';

/** An entry that a Service wants. */
export interface ClaimedEntry extends ServiceEntry {
  /** No other Service can have a ClusterIP. Several may have the same address of a load balancer, or an externalIP. */
  readonly isClusterIp: boolean;
}

/** core/v1: ClientIPConfig. */
const DEFAULT_AFFINITY_SECONDS = 10_800;

/** A proxy that is not kube-proxy serves Services with this label (kube-proxy leaves them alone, too). */
const OTHER_PROXY = 'service.kubernetes.io/service-proxy-name';

/** The entries of a Service; none for a headless one and for ExternalName. A wrong address is INPUT_INVALID. */
export function serviceEntries(
  service: Service,
  slices: readonly EndpointSlice[],
  client: ClientNode,
): ClaimedEntry[] {
  const { spec, metadata } = service;
  const ips = clusterIps(service);
  if (ips.length === 0 || metadata.labels?.[OTHER_PROXY] !== undefined) return [];
  const outer = [...loadBalancerIps(service), ...(client.usesExternalIps ? externalIps(service) : [])];
  const affinitySeconds =
    spec?.sessionAffinity === 'ClientIP'
      ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS)
      : 0;
  return (spec?.ports ?? []).flatMap((port) => {
    const entry = (address: Address, number: number, isClusterIp: boolean): ClaimedEntry => {
      // From inside the cluster, addresses of load balancers and of nodes lead to all endpoints.
      const isLocal = isClusterIp && spec?.internalTrafficPolicy === 'Local';
      const { ready, draining } = endpointsFor(endpointsOf(slices, port, address.family), client, isLocal);
      return {
        frontend: { address, port: number, protocol: port.protocol ?? 'TCP' },
        backends: { ready: ready.map(placeOf), draining: draining.map(placeOf), affinitySeconds },
        isClusterIp,
      };
    };
    const families = new Set(ips.map(({ family }) => family));
    const { nodePort = 0 } = port;
    const atNode = nodePort === 0 ? [] : client.addresses.filter(({ family }) => families.has(family));
    return [
      ...ips.map((address) => entry(address, port.port, true)),
      ...outer.map((address) => entry(address, port.port, false)),
      ...atNode.map((address) => entry(address, nodePort, false)),
    ];
  });
}

/** The port of the Service that has the frontend. */
export function portOf(
  { spec }: Service,
  { address, port, protocol }: Frontend,
  client: ClientNode,
): ServicePort | undefined {
  const ports = (spec?.ports ?? []).filter((each) => (each.protocol ?? 'TCP') === protocol);
  const atNode = client.addresses.some((own) => sameAddress(own, address));
  return ports.find((each) => atNode && each.nodePort === port) ?? ports.find((each) => each.port === port);
}

function placeOf({ address, port }: Place): Place {
  return { address, port };
}

function clusterIps({ spec }: Service): Address[] {
  if (spec?.type === 'ExternalName') return [];
  const texts = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP]);
  return texts.filter((text) => text !== '' && text !== 'None').map(parseAddress);
}

function externalIps({ spec }: Service): Address[] {
  return (spec?.externalIPs ?? []).map(parseAddress);
}

/**
 * Those that nodes may serve. Where the load balancer must see the packets, or only some clients may come, they go their
 * way as without us.
 */
function loadBalancerIps({ spec, status }: Service): Address[] {
  if (spec?.type !== 'LoadBalancer' || (spec.loadBalancerSourceRanges ?? []).length > 0) return [];
  const ingress = status?.loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip, ipMode = 'VIP' }) =>
    ip === undefined || ip === '' || ipMode !== 'VIP' ? [] : parseAddress(ip),
  );
}
