// What one Service means to the packets that pass one node: each of its addresses and ports, and where they are sent.

import type { EndpointSlice, Service } from '#api';
import { isOrbError } from '#base';
import { type Cidr, networkOf, parseCidr } from '#ip';
import {
  affinitySecondsOf,
  type Backends,
  type Claim,
  type ClientNode,
  endpointsFor,
  endpointsOf,
  type Frontend,
  type Place,
  placeOf,
  type ServiceEndpoint,
  serviceFronts,
} from '../service/index.ts';

/** One address and port of a Service, as packets meet it. */
export interface PacketEntry {
  readonly frontend: Frontend;
  readonly claim: Claim;
  /** `namespace/name`. */
  readonly service: string;
  /** For senders of the cluster; for all senders if there is no {@link outside}. */
  readonly backends: Backends;
  /** With externalTrafficPolicy Local: the endpoints of this node. Senders outside of the cluster get them, and keep their source. */
  readonly outside: readonly Place[] | undefined;
  /** The only senders that may use it; undefined for all. */
  readonly sources: readonly Cidr[] | undefined;
  /** Those of the backends that are on this node. */
  readonly local: readonly Place[];
}

export interface PacketReading {
  readonly entries: readonly PacketEntry[];
  /** What is left out of them, and why: one sentence each. */
  readonly leftOut: readonly string[];
}

/** Reads a Service. */
export function packetEntries(
  service: Service,
  slices: readonly EndpointSlice[],
  client: ClientNode,
): PacketReading {
  const { spec, metadata } = service;
  const { fronts, leftOut } = serviceFronts(service, client);
  const problems = [...leftOut];
  const ranges = readRanges(spec?.loadBalancerSourceRanges ?? [], problems);
  const affinitySeconds = affinitySecondsOf(service);
  const unreadable = new Set<string>();
  const entries = fronts.map(({ frontend, claim, port, isRestricted }): PacketEntry => {
    const all = endpointsOf(slices, port, frontend.address.family, unreadable);
    const isInner = claim === 'ClusterIP';
    const { ready, draining } = endpointsFor(all, client, isInner && spec?.internalTrafficPolicy === 'Local');
    const isOutsideLocal = !isInner && spec?.externalTrafficPolicy === 'Local';
    const isHere = ({ node }: ServiceEndpoint) => node === client.name;
    return {
      frontend,
      claim,
      service: `${metadata.namespace}/${metadata.name}`,
      backends: { ready: ready.map(placeOf), draining: draining.map(placeOf), affinitySeconds },
      outside: isOutsideLocal ? endpointsFor(all, client, true).ready.map(placeOf) : undefined,
      sources: isRestricted
        ? ranges.filter(({ address }) => address.family === frontend.address.family)
        : undefined,
      local: [...ready, ...draining].filter(isHere).map(placeOf),
    };
  });
  return { entries, leftOut: [...problems, ...unreadable] };
}

/** Nobody may come from a range that cannot be read: it is left out. */
function readRanges(texts: readonly string[], problems: string[]): Cidr[] {
  return texts.flatMap((text) => {
    try {
      return networkOf(parseCidr(text.trim()));
    } catch (error) {
      if (!isOrbError(error, 'INPUT_INVALID')) throw error;
      const given = JSON.stringify(text.slice(0, 100));
      problems.push(`spec.loadBalancerSourceRanges has ${given}, which is no network`);
      return [];
    }
  });
}
