// The ports at which load balancers ask whether a node has endpoints of a Service (core/v1: healthCheckNodePort).

import type { EndpointSlice, Service } from '#api';
import { type ClientNode, endpointsOf, placeText } from '../service/index.ts';

export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** The ready endpoints on this node. */
  readonly localEndpoints: number;
}

/** Undefined for a Service that no load balancer asks for. */
export function healthCheck(
  { spec, metadata }: Service,
  slices: readonly EndpointSlice[],
  client: ClientNode,
): HealthCheck | undefined {
  const port = spec?.healthCheckNodePort ?? 0;
  if (spec?.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local' || port === 0) return undefined;
  const local = new Set<string>();
  for (const servicePort of spec.ports ?? []) {
    for (const family of [4, 6] as const) {
      for (const { address, node, isReady } of endpointsOf(slices, servicePort, family)) {
        if (isReady && node === client.name) local.add(placeText({ address, port: 0 }));
      }
    }
  }
  const { namespace = '', name = '' } = metadata;
  return { namespace, name, port, localEndpoints: local.size };
}
