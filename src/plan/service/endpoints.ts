// The endpoints of a port of a Service, and which of them the clients of one node get.

import type { EndpointSlice, ServicePort } from '#api';
import type { Family } from '#ip';
import { readAddressText } from './address-text.ts';
import type { ClientNode } from './client-node.ts';
import { type Place, placeText } from './tables.ts';

/** An endpoint, as its slices tell. */
export interface ServiceEndpoint extends Place {
  readonly isReady: boolean;
  /** Answers, and ends soon. */
  readonly isDraining: boolean;
  readonly node: string | undefined;
  /** Zones and nodes whose clients should use it. None: all. */
  readonly forZones: readonly string[];
  readonly forNodes: readonly string[];
}

/**
 * Those of one family. One that stands in several slices counts once. One whose address cannot be read is left out, and
 * `leftOut` gets a sentence about it.
 */
export function endpointsOf(
  slices: readonly EndpointSlice[],
  { name = '', protocol = 'TCP' }: ServicePort,
  family: Family,
  leftOut = new Set<string>(),
): ServiceEndpoint[] {
  const found = new Map<string, ServiceEndpoint>();
  for (const { addressType, ports, endpoints } of slices) {
    if (addressType !== `IPv${family}`) continue;
    const same = ports?.find((each) => (each.name ?? '') === name && (each.protocol ?? 'TCP') === protocol);
    const port = same?.port ?? undefined;
    if (port === undefined) continue;
    for (const endpoint of endpoints ?? []) {
      const [text] = endpoint.addresses;
      if (text === undefined) continue;
      const address = readAddressText(text);
      if (address?.family !== family) {
        leftOut.add(
          `an endpoint has ${JSON.stringify(text.slice(0, 100))}, which is no IPv${family} address`,
        );
        continue;
      }
      const one = { address, port, ...stateOf(endpoint) };
      const key = placeText(one);
      // While an endpoint moves from one slice to another, it may stand in both.
      if (found.get(key)?.isReady !== true) found.set(key, one);
    }
  }
  return [...found.values()];
}

/** discovery/v1, EndpointConditions: what is not said of `serving` is as for `ready`, and an unknown `ready` is true. */
function stateOf({ conditions, nodeName, hints }: NonNullable<EndpointSlice['endpoints']>[number]) {
  const isReady = conditions?.ready ?? true;
  const isServing = conditions?.serving ?? isReady;
  return {
    isReady,
    isDraining: !isReady && isServing && conditions?.terminating === true,
    node: nodeName,
    forZones: hints?.forZones?.map(({ name }) => name) ?? [],
    forNodes: hints?.forNodes?.map(({ name }) => name) ?? [],
  };
}

/**
 * Which endpoints new connections of the node's clients get, and which others sockets may keep. Only draining endpoints
 * are given when none is ready. With `isLocal`, those of other nodes do not count.
 */
export function endpointsFor(
  all: readonly ServiceEndpoint[],
  client: ClientNode,
  isLocal: boolean,
): { readonly ready: readonly ServiceEndpoint[]; readonly draining: readonly ServiceEndpoint[] } {
  const usable = isLocal ? all.filter(({ node }) => node === client.name) : all;
  const ready = usable.filter(({ isReady }) => isReady);
  const draining = usable.filter(({ isDraining }) => isDraining);
  if (ready.length === 0) return { ready: draining, draining: [] };
  const chosen = isLocal ? ready : nearest(ready, client);
  const others = new Set(ready);
  for (const endpoint of chosen) others.delete(endpoint);
  return { ready: chosen, draining: [...others, ...draining] };
}

/**
 * Hints of trafficDistribution and of topology-aware routing. They count only if each ready endpoint has one, and one of
 * them names this node or its zone: kube-proxy's rule.
 */
function nearest(ready: readonly ServiceEndpoint[], { name, zone }: ClientNode): readonly ServiceEndpoint[] {
  if (ready.every(({ forNodes }) => forNodes.length > 0)) {
    const here = ready.filter(({ forNodes }) => forNodes.includes(name));
    if (here.length > 0) return here;
  }
  if (zone !== undefined && ready.every(({ forZones }) => forZones.length > 0)) {
    const here = ready.filter(({ forZones }) => forZones.includes(zone));
    if (here.length > 0) return here;
  }
  return ready;
}
