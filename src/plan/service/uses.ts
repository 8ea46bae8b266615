// What each endpoint of a Service is used for on one node, and why: for people who ask.

import type { EndpointSlice, Service } from '#api';
import type { ClientNode } from './client-node.ts';
import { endpointsOf, type ServiceEndpoint } from './endpoints.ts';
import { portOf } from './entries.ts';
import { type Backends, type Frontend, type Place, placeText } from './tables.ts';

export interface EndpointUse {
  readonly place: Place;
  readonly node: string | undefined;
  /** `all`: new sockets get it. `old`: only sockets that have it keep it. */
  readonly sockets: 'all' | 'old' | 'none';
  readonly because: string | undefined;
}

/** The endpoints of the frontend's port. `backends` is what the kernel has. None where the Service has no such port. */
export function endpointUses(
  service: Service,
  slices: readonly EndpointSlice[],
  frontend: Frontend,
  backends: Backends,
  client: ClientNode,
): EndpointUse[] {
  const port = portOf(service, frontend, client);
  if (port === undefined) return [];
  const [ready, draining] = [backends.ready, backends.draining].map(
    (places) => new Set(places.map(placeText)),
  );
  const isLocal = service.spec?.internalTrafficPolicy === 'Local';
  return endpointsOf(slices, port, frontend.address.family).map((endpoint) => {
    const { address, node } = endpoint;
    const of = { place: { address, port: endpoint.port }, node };
    const text = placeText(endpoint);
    if (ready?.has(text) === true)
      return { ...of, sockets: 'all', because: endpoint.isReady ? undefined : 'it ends, and none is ready' };
    if (draining?.has(text) === true)
      return { ...of, sockets: 'old', because: endpoint.isReady ? 'others are nearer' : 'it ends' };
    return { ...of, sockets: 'none', because: whyNone(endpoint, isLocal && node !== client.name) };
  });
}

function whyNone({ isReady, isDraining }: ServiceEndpoint, isElsewhere: boolean): string {
  if (!isReady && !isDraining) return 'it is not ready';
  return isElsewhere
    ? 'it is on another node, and internalTrafficPolicy is Local'
    : 'the kernel does not know it yet';
}
