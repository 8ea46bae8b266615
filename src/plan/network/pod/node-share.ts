// The objects of a pod's network on the node: the node's end of the link to the pod, and the routes and neighbours of
// the pod's addresses.

import { type Cidr, hostCidr, networkOf } from '#ip';
import { halfOpenRules, hostRule, serviceMasqueradeRules } from '../node/index.ts';
import {
  type DesiredLink,
  type DesiredNamespace,
  type DesiredSysctl,
  emptyNamespace,
  linkRoute,
  NFT_TABLE,
  neighbour,
  type Owned,
} from '../state/index.ts';
import { firstOfOurs, type Nic, owned, type PlanContext } from './plan-context.ts';

export function planNodeShare(context: PlanContext): DesiredNamespace {
  const own = owned(context.owner);
  // The NICs whose addresses the node has routes for.
  const routed = context.nics.filter((nic) => nic.ours || nic.nodeLink.own);
  const tables = [...new Set(routed.map((nic) => nic.settings.hostRuleTable))];
  return {
    ...emptyNamespace,
    links: links(context, routed),
    addresses: addresses(context).map((address) => own(address)),
    neighbours: routed.flatMap((nic) =>
      addressesOf(context, nic).map((address) => ({
        ...neighbour(address, nic.nodeLink.hostLink, nic.nodeLink.podMac),
        owner: nic.owner,
      })),
    ),
    routes: routed.flatMap((nic) =>
      addressesOf(context, nic).map((address) => ({
        ...linkRoute(address, nic.nodeLink.hostLink, nic.settings.hostRuleTable),
        owner: nic.owner,
      })),
    ),
    rules: tables.flatMap((table) =>
      context.families.map((family) => ({ ...hostRule(family, table), owner: 'node' as const })),
    ),
    sysctls: sysctls(context).map((sysctl) => own(sysctl)),
    table: {
      name: NFT_TABLE,
      rules: [
        ...halfOpenRules(
          routed.flatMap((nic) => nic.settings.overlayNetworks),
          context.families,
        ),
        ...serviceMasqueradeRules(masqueraded(context)),
      ],
      owner: 'node',
    },
  };
}

/** What leaves by an overlay's link is masqueraded by the overlay, or not. */
function masqueraded({ ownLink, nics }: PlanContext): Cidr[] {
  if (ownLink === undefined) return [];
  return nics
    .filter((nic) => nic.ours && nic.settings.masqueradesServices)
    .flatMap((nic) => nic.addresses.map(networkOf));
}

function addressesOf(context: PlanContext, nic: Nic) {
  return nic.addresses
    .map((cidr) => cidr.address)
    .filter((address) => context.families.includes(address.family));
}

/** We make our own link. An overlay's link is only expected to exist. */
function links(context: PlanContext, routed: readonly Nic[]): Owned<DesiredLink>[] {
  const { owner } = context;
  const nodeLinks = [...new Set(routed.map((nic) => nic.nodeLink))];
  const { vethMtuBytes: mtuBytes } = firstOfOurs(context).settings;
  return nodeLinks.map(({ own, hostLink: name, hostMac: mac, podLink, podMac }) => {
    if (!own) return { name, owner };
    const peer = { name: podLink, mac: podMac, mtuBytes, txQueueLength: 0 };
    return { name, type: { kind: 'veth', peer }, peerName: podLink, mac, mtuBytes, txQueueLength: 0, owner };
  });
}

/**
 * The node's end has one of the node's addresses. Without it, MASQUERADE takes an address of any link, for example
 * docker0: docs/adr/0012.
 */
function addresses(context: PlanContext) {
  const { ownLink } = context;
  if (ownLink === undefined) return [];
  return context.gateways.map((gateway) => ({
    dev: ownLink.hostLink,
    address: hostCidr(gateway),
    scope: 'global' as const,
    noDad: true,
    noPrefixRoute: true,
  }));
}

/** A pod must not become the node's router by a router advertisement. */
function sysctls(context: PlanContext): DesiredSysctl[] {
  if (context.ownLink === undefined || !context.families.includes(6)) return [];
  return [{ key: `ipv6/conf/${context.ownLink.hostLink}/accept_ra`, value: '0' }];
}
