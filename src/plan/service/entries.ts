// What one Service means on one node: each of its addresses and ports, and the backends behind it.

import type { EndpointSlice, Service } from '#api';
import { type Address, parseAddress } from '#ip';
import { type ClientNode, endpointsFor, endpointsOf } from './endpoints.ts';
import type { Place, ServiceEntry } from './tables.ts';

/** An entry that a Service wants. */
export interface ClaimedEntry extends ServiceEntry {
  /** No other Service can have a ClusterIP. Somebody may have given the address of a load balancer to several. */
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
  const claims = [
    ...ips.map((address) => ({ address, isClusterIp: true })),
    ...loadBalancerIps(service).map((address) => ({ address, isClusterIp: false })),
  ];
  const affinitySeconds =
    spec?.sessionAffinity === 'ClientIP'
      ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS)
      : 0;
  return (spec?.ports ?? []).flatMap((port) =>
    claims.map(({ address, isClusterIp }) => {
      // From inside the cluster, the address of a load balancer leads to all endpoints.
      const isLocal = isClusterIp && spec?.internalTrafficPolicy === 'Local';
      const { ready, draining } = endpointsFor(endpointsOf(slices, port, address.family), client, isLocal);
      return {
        frontend: { address, port: port.port, protocol: port.protocol ?? 'TCP' },
        backends: { ready: ready.map(placeOf), draining: draining.map(placeOf), affinitySeconds },
        isClusterIp,
      };
    }),
  );
}

function placeOf({ address, port }: Place): Place {
  return { address, port };
}

function clusterIps({ spec }: Service): Address[] {
  if (spec?.type === 'ExternalName') return [];
  const texts = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP]);
  return texts.filter((text) => text !== '' && text !== 'None').map(parseAddress);
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
