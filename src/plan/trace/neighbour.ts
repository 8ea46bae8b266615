// Who gets a frame: the machine in the neighbour table, or the one that answers on the segment.

import { type Address, cidrContains, parseCidr, sameAddress } from '#ip';
import type { Neighbour } from '#net';
import { lookUp } from './lookup.ts';
import { linkSysctl } from './view.ts';
import { macOf, type Place, type Port, placeOf, type World } from './world.ts';

export type Receiver =
  | { readonly port: Port; readonly place: Place; readonly entry?: Neighbour }
  | { readonly missing: string };

/** The receiver of a frame that `place` sends to `address` by `dev`. */
export function receiverOf(world: World, place: Place, dev: string, address: Address): Receiver {
  const others = neighboursOn(world, place, dev);
  if (others === undefined) return { missing: `the other end of ${dev} is not known` };
  const entry = place.view.neighbours.find(
    (each) => each.dev === dev && sameAddress(each.address, address) && each.state === 'permanent',
  );
  if (entry !== undefined) {
    const found = others.find(({ port, place: other }) => macOf(other, port.link) === entry.mac);
    return found === undefined
      ? { missing: `no interface there has the MAC address ${entry.mac} of the neighbour entry` }
      : { ...found, entry };
  }
  const owner = others.find(({ port, place: other }) => owns(other, port, address));
  const found = owner ?? others.find(({ port, place: other }) => answersFor(other, port, address));
  return found ?? { missing: 'no machine on that link answers for it' };
}

/** All other ports on the segment, except a macvlan's own parent and a parent's children. */
function neighboursOn(world: World, place: Place, dev: string) {
  const segment = world.segments.find(({ ports }) =>
    ports.some((port) => port.place === place.name && port.link === dev),
  );
  const own = segment?.ports.find((port) => port.place === place.name && port.link === dev);
  if (segment === undefined || own === undefined) return undefined;
  return segment.ports
    .filter((port) => port.place !== place.name && !isBelow(own, port) && !isBelow(port, own))
    .flatMap((port) => {
      const other = placeOf(world, port.place);
      const up = other?.view.links.find(({ name }) => name === port.link)?.up;
      return other === undefined || up === false ? [] : [{ port, place: other }];
    });
}

function isBelow({ below }: Port, { place, link }: Port): boolean {
  return below?.place === place && below.link === link;
}

function owns({ view }: Place, { link }: Port, address: Address): boolean {
  return view.addresses.some((each) => each.dev === link && sameAddress(each.address.address, address));
}

const LINK_LOCAL = parseCidr('fe80::/10');

/**
 * IPv4 hosts answer for addresses of their other links (arp_ignore 0). With proxy ARP, they also answer for addresses
 * that they route. IPv6 hosts do neither.
 */
function answersFor({ view }: Place, { link }: Port, address: Address): boolean {
  if (address.family === 6 || cidrContains(LINK_LOCAL, address)) return false;
  const isOwn = view.addresses.some((each) => sameAddress(each.address.address, address));
  if (isOwn) return linkSysctl(view, 'ipv4', link, 'arp_ignore') === 0;
  if (linkSysctl(view, 'ipv4', link, 'proxy_arp') === 0) return false;
  const way = lookUp(view, { destination: address, mark: 0, inputDev: link });
  return way.outcome === 'found' && way.hops.every(({ dev }) => dev !== link);
}
