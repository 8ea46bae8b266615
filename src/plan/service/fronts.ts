// The addresses and ports at which one Service is reached from one node.

import type { Service, ServicePort } from '#api';
import type { Address } from '#ip';
import { readAddressText } from './address-text.ts';
import type { ClientNode } from './client-node.ts';
import type { Frontend } from './tables.ts';

/**
 * What a front stands for. No other Service can have a ClusterIP, and none a NodePort. Several may have the same address of
 * a load balancer, or an externalIP. So these come last.
 */
export const claims = ['ClusterIP', 'NodePort', 'outer'] as const;
export type Claim = (typeof claims)[number];

/** One address and port of a Service. */
export interface ServiceFront {
  readonly frontend: Frontend;
  readonly claim: Claim;
  /** The port of the Service to which it leads. */
  readonly port: ServicePort;
  /** Whether only some senders may use it (`loadBalancerSourceRanges`). */
  readonly isRestricted: boolean;
}

export interface FrontReading {
  /** None for a headless Service and for ExternalName. */
  readonly fronts: readonly ServiceFront[];
  /** What is left out of them, and why: one sentence each. */
  readonly leftOut: readonly string[];
}

/**
 * How many fronts a Service gets at addresses of load balancers and externalIPs. Users choose these addresses, and the
 * tables of the kernel are those of all Services.
 */
const MOST_OUTER_FRONTS = 1024;

/** A proxy that is not kube-proxy serves Services with this label (kube-proxy leaves them alone, too). */
const OTHER_PROXY = 'service.kubernetes.io/service-proxy-name';

/** Reads a Service. An address of it that makes no sense, and what is beyond the limit, are left out alone. */
export function serviceFronts(service: Service, client: ClientNode): FrontReading {
  const { spec, metadata } = service;
  const leftOut: string[] = [];
  const ips = readAddresses(clusterIps(service), 'spec.clusterIPs', leftOut);
  if (ips.length === 0 || metadata.labels?.[OTHER_PROXY] !== undefined) return { fronts: [], leftOut };
  const balanced = readAddresses(loadBalancerIps(service), 'status.loadBalancer.ingress', leftOut);
  const external = client.usesExternalIps
    ? readAddresses(spec?.externalIPs ?? [], 'spec.externalIPs', leftOut)
    : [];
  const hasRanges = (spec?.loadBalancerSourceRanges ?? []).length > 0;
  const families = new Set(ips.map(({ family }) => family));
  const inner: ServiceFront[] = [];
  const outer: ServiceFront[] = [];
  for (const port of spec?.ports ?? []) {
    const front = (address: Address, number: number, claim: Claim, isRestricted = false): ServiceFront => {
      const frontend = { address, port: number, protocol: port.protocol ?? 'TCP' };
      return { frontend, claim, port, isRestricted };
    };
    const { nodePort = 0 } = port;
    const atNode = nodePort === 0 ? [] : client.addresses.filter(({ family }) => families.has(family));
    inner.push(...ips.map((address) => front(address, port.port, 'ClusterIP')));
    inner.push(...atNode.map((address) => front(address, nodePort, 'NodePort')));
    outer.push(...balanced.map((address) => front(address, port.port, 'outer', hasRanges)));
    outer.push(...external.map((address) => front(address, port.port, 'outer')));
  }
  if (outer.length > MOST_OUTER_FRONTS) {
    const count = `${outer.length} addresses with ports of load balancers and externalIPs`;
    leftOut.push(`it has ${count}, and ${MOST_OUTER_FRONTS} of them are served`);
  }
  return { fronts: [...inner, ...outer.slice(0, MOST_OUTER_FRONTS)], leftOut };
}

/** core/v1: ClientIPConfig. */
const DEFAULT_AFFINITY_SECONDS = 10_800;

/** How long a client that does not ask keeps its backend. 0: no time at all. */
export function affinitySecondsOf({ spec }: Service): number {
  return spec?.sessionAffinity === 'ClientIP'
    ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS)
    : 0;
}

function clusterIps({ spec }: Service): string[] {
  if (spec?.type === 'ExternalName') return [];
  const texts = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP]);
  return texts.filter((text) => text !== '' && text !== 'None');
}

/** Those that nodes may serve. Where the load balancer must see the packets, they go their way as without us. */
function loadBalancerIps({ spec, status }: Service): string[] {
  if (spec?.type !== 'LoadBalancer') return [];
  const ingress = status?.loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip, ipMode = 'VIP' }) =>
    ip === undefined || ip === '' || ipMode !== 'VIP' ? [] : ip,
  );
}

function readAddresses(texts: readonly string[], field: string, leftOut: string[]): Address[] {
  return texts.flatMap((text) => {
    const address = readAddressText(text);
    if (address !== undefined) return address;
    leftOut.push(`${field} has ${JSON.stringify(text.slice(0, 100))}, which is no IP address`);
    return [];
  });
}
