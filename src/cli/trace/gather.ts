// Builds the world of a trace from the namespaces that can be entered and from the API.

import { isGone } from '#cni';
import type { Listener, NetworkNamespace } from '#net';
import { NFT_TABLE } from '#plan/network';
import {
  type Firewall,
  type LinksOf,
  type Place,
  podFirewall,
  segmentsOf,
  serviceFronts,
  type World,
} from '#plan/trace';
import type { ClusterFacts } from './facts.ts';
import { halfOpenNetworks, isStrict, masqueradesOf, type Sight, seePlace } from './observe-place.ts';
import type { Site, SitePlace } from './site.ts';

export type OpenNamespace = (path: string) => NetworkNamespace;

interface Seen extends Sight {
  readonly at: SitePlace;
  readonly firewall: Firewall;
  readonly listeners: readonly Listener[];
}

/** A pod that has ended is omitted. */
export function seeWorld(site: Site, facts: ClusterFacts, open: OpenNamespace): World {
  const seen = site.places.flatMap((at) => see(at, site, facts, open) ?? []);
  const links = seen.map(({ at, links: own }): LinksOf => {
    const { name, kind, node } = at;
    return { name, kind, links: own, ...(node !== undefined && { node }) };
  });
  return { places: seen.flatMap(placesOf), segments: segmentsOf(links) };
}

function see(at: SitePlace, site: Site, facts: ClusterFacts, open: OpenNamespace): Seen | undefined {
  const namespace = openUnlessEnded(at, open);
  if (namespace === undefined) return undefined;
  try {
    const sight = seePlace(namespace);
    const firewall =
      at.kind === 'pod'
        ? podFirewall(sight.view, namespace.nftRules(NFT_TABLE))
        : firewallOf(namespace, at, site, facts);
    return { at, ...sight, firewall, listeners: namespace.listeners() };
  } finally {
    namespace.close();
  }
}

function openUnlessEnded({ kind, netns }: SitePlace, open: OpenNamespace): NetworkNamespace | undefined {
  try {
    return open(netns);
  } catch (error) {
    if (kind === 'pod' && isGone(error)) return undefined;
    throw error;
  }
}

function placesOf({ at: { name, kind, node }, view, firewall, listeners }: Seen): Place[] {
  if (kind === 'cables') return [];
  return [{ name, kind, view, firewall, listeners, ...(node !== undefined && { node }) }];
}

function firewallOf(
  namespace: NetworkNamespace,
  { kind }: SitePlace,
  { overlayTable, strictTable }: Site,
  facts: ClusterFacts,
): Firewall {
  if (kind !== 'node') {
    return strictTable !== undefined && isStrict(namespace, strictTable) ? { strictIpv6: true } : {};
  }
  return {
    ...nodeRules(facts),
    // kube-proxy decides by this whether it makes the rule (kubernetes #120412).
    dropsInvalid: namespace.sysctl('netfilter/nf_conntrack_tcp_be_liberal')?.trim() !== '1',
    halfOpenTo: halfOpenNetworks(namespace),
    masqueradesServicesOf: masqueradesOf(namespace, NFT_TABLE).map(({ from }) => from),
    ...(overlayTable !== undefined && { masquerades: masqueradesOf(namespace, overlayTable) }),
  };
}

/** The rules that kube-proxy and an overlay with natOutgoing make on every node. */
export function nodeRules({ services, slices, overlayCidrs }: ClusterFacts): Firewall {
  return {
    services: { fronts: serviceFronts(services, slices), clusterCidrs: overlayCidrs },
    masquerades: overlayCidrs.map((cidr) => ({ from: cidr, except: cidr })),
  };
}
