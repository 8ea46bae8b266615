// The objects of a pod's network on the node: the node's end of the way, and the routes and neighbours of the pod's
// addresses.

import { hostCidr } from '#ip';
import { halfOpenTable, hostRule } from '../node/index.ts';
import {
  type DesiredLink,
  type DesiredNamespace,
  type DesiredSysctl,
  emptyNamespace,
  linkRoute,
  neighbour,
  type Owned,
} from '../state/index.ts';
import { type Frame, firstOfOurs, type Nic, owned } from './frame.ts';

export function planNodeShare(frame: Frame): DesiredNamespace {
  const own = owned(frame.owner);
  const served = frame.nics.filter((nic) => nic.ours || nic.way.own);
  const tables = [...new Set(served.map((nic) => nic.settings.hostRuleTable))];
  return {
    ...emptyNamespace,
    links: links(frame, served),
    addresses: addresses(frame).map((address) => own(address)),
    neighbours: served.flatMap((nic) =>
      addressesOf(frame, nic).map((address) => ({
        ...neighbour(address, nic.way.hostLink, nic.way.podMac),
        owner: nic.owner,
      })),
    ),
    routes: served.flatMap((nic) =>
      addressesOf(frame, nic).map((address) => ({
        ...linkRoute(address, nic.way.hostLink, nic.settings.hostRuleTable),
        owner: nic.owner,
      })),
    ),
    rules: tables.flatMap((table) =>
      frame.families.map((family) => ({ ...hostRule(family, table), owner: 'node' as const })),
    ),
    sysctls: sysctls(frame).map((sysctl) => own(sysctl)),
    table: {
      ...halfOpenTable(
        served.flatMap((nic) => nic.settings.overlayNetworks),
        frame.families,
      ),
      owner: 'node',
    },
  };
}

function addressesOf(frame: Frame, nic: Nic) {
  return nic.addresses
    .map((cidr) => cidr.address)
    .filter((address) => frame.families.includes(address.family));
}

/** We make our own link. An overlay's link is only expected to exist. */
function links(frame: Frame, served: readonly Nic[]): Owned<DesiredLink>[] {
  const { owner } = frame;
  const ways = [...new Set(served.map((nic) => nic.way))];
  const { vethMtuBytes: mtuBytes } = firstOfOurs(frame).settings;
  return ways.map(({ own, hostLink: name, hostMac: mac, podLink, podMac }) => {
    if (!own) return { name, owner };
    const peer = { name: podLink, mac: podMac, mtuBytes, txQueueLength: 0 };
    return { name, type: { kind: 'veth', peer }, peerName: podLink, mac, mtuBytes, txQueueLength: 0, owner };
  });
}

/**
 * The node's end has one of the node's addresses. Without it, MASQUERADE takes an address of any link, for example
 * docker0: docs/adr/0012.
 */
function addresses(frame: Frame) {
  const { ownWay } = frame;
  if (ownWay === undefined) return [];
  return frame.gateways.map((gateway) => ({
    dev: ownWay.hostLink,
    address: hostCidr(gateway),
    scope: 'global' as const,
    noDad: true,
    noPrefixRoute: true,
  }));
}

/** A pod must not become the node's router by a router advertisement. */
function sysctls(frame: Frame): DesiredSysctl[] {
  if (frame.ownWay === undefined || !frame.families.includes(6)) return [];
  return [{ key: `ipv6/conf/${frame.ownWay.hostLink}/accept_ra`, value: '0' }];
}
