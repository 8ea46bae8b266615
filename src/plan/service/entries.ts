// What one Service means to the sockets of one node: each of its addresses and ports, and the backends behind it.

import type { EndpointSlice, Service, ServicePort } from '#api';
import { sameAddress } from '#ip';
import type { ClientNode } from './client-node.ts';
import { endpointsFor, endpointsOf } from './endpoints.ts';
import { affinitySecondsOf, type Claim, serviceFronts } from './fronts.ts';
import type { Frontend, Place, ServiceEntry } from './tables.ts';

/** An entry that a Service wants. */
export interface ClaimedEntry extends ServiceEntry {
  readonly claim: Claim;
}

export interface ServiceReading {
  /** None for a headless Service and for ExternalName. */
  readonly entries: readonly ClaimedEntry[];
  /** What is left out of them, and why: one sentence each. */
  readonly leftOut: readonly string[];
}

/** Reads a Service. What only some senders may use is left to packets: a socket does not tell its address. */
export function serviceEntries(
  service: Service,
  slices: readonly EndpointSlice[],
  client: ClientNode,
): ServiceReading {
  const { fronts, leftOut } = serviceFronts(service, client);
  const affinitySeconds = affinitySecondsOf(service);
  const unreadable = new Set<string>();
  const entries = fronts
    .filter(({ isRestricted }) => !isRestricted)
    .map(({ frontend, claim, port }): ClaimedEntry => {
      // From inside the cluster, addresses of load balancers and of nodes lead to all endpoints.
      const isLocal = claim === 'ClusterIP' && service.spec?.internalTrafficPolicy === 'Local';
      const { family } = frontend.address;
      const { ready, draining } = endpointsFor(
        endpointsOf(slices, port, family, unreadable),
        client,
        isLocal,
      );
      return {
        frontend,
        backends: { ready: ready.map(placeOf), draining: draining.map(placeOf), affinitySeconds },
        claim,
      };
    });
  return { entries, leftOut: [...leftOut, ...unreadable] };
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

export function placeOf({ address, port }: Place): Place {
  return { address, port };
}
