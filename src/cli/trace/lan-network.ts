// The networks of the LANs that a node is on, told from the addresses and default routes of whoever is seen there.

import { type Address, type Cidr, cidrContains, networkOf as cleared, hostCidr } from '#ip';
import { placeOf, type Segment, type World } from '#plan/trace';

export interface LanNetwork {
  readonly segment: Segment;
  readonly network: Cidr;
  readonly prefixLength: number;
  /** As hosts there name it. */
  readonly gateway: Address | undefined;
}

/** The networks of the LANs in sight, with their gateways as hosts there name them. */
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

/** The one that an address is of. */
export function networkOf(seen: World, address: Address): LanNetwork | undefined {
  return networksOf(seen).find(({ network }) => network.prefixLength > 0 && cidrContains(network, address));
}
