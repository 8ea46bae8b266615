// The networks of the LANs that a node is on, derived from the addresses and default routes of the places that are visible there.

import { type Address, type Cidr, cidrContains, networkOf as cleared, hostCidr } from '#ip';
import { placeOf, type Segment, type World } from '#plan/trace';

export interface LanNetwork {
  readonly segment: Segment;
  readonly network: Cidr;
  readonly prefixLength: number;
  /** The gateways, as the hosts on that network have them in their routes. */
  readonly gateway: Address | undefined;
}

/** The networks of the visible LANs, with their gateways as the hosts on them have them in their routes. */
export function networksOf(seen: World): LanNetwork[] {
  return seen.segments
    .flatMap((segment) =>
      segment.ports.flatMap(({ place, link }) => {
        const view = placeOf(seen, place)?.view;
        const own = view?.addresses.filter(({ dev, scope }) => dev === link && scope === 'global') ?? [];
        return own
          .filter(({ address }) => address.prefixLength < hostCidr(address.address).prefixLength)
          .map(({ address }) => {
            const gateways =
              view?.routes.filter(({ dev, destination }) => dev === link && destination.prefixLength === 0) ??
              [];
            const gateway = gateways.find(
              (route) => route.gateway?.family === address.address.family,
            )?.gateway;
            return { segment, network: cleared(address), prefixLength: address.prefixLength, gateway };
          });
      }),
    )
    .toSorted((a, b) => Number(b.gateway !== undefined) - Number(a.gateway !== undefined));
}

/** The network that contains an address. */
export function networkOf(seen: World, address: Address): LanNetwork | undefined {
  return networksOf(seen).find(({ network }) => network.prefixLength > 0 && cidrContains(network, address));
}
