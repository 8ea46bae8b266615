// Finds the NIC of the node whose network has an address of a pod: there, others ask for the address by ARP or
// neighbour discovery.

import { type Address, cidrContains, maxPrefixLength, networkOf, sameAddress } from '#ip';
import { type InterfaceAddress, type Link, MAIN_TABLE, type Route } from '#net';

/** What was read on the node. */
export interface NodeSight {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
}

/**
 * The NIC with the smallest network that contains the address. Of several, that of the default route. Undefined if there
 * is none: then routers must lead to the node.
 */
export function uplinkOf(address: Address, node: NodeSight): string | undefined {
  const fitting = node.addresses
    .filter((own) => own.address.prefixLength < maxPrefixLength(own.address.address.family))
    .filter((own) => cidrContains(networkOf(own.address), address))
    .filter(({ dev }) => node.links.some(({ name, loopback }) => name === dev && !loopback));
  const longest = Math.max(...fitting.map((own) => own.address.prefixLength));
  const nics = fitting.filter((own) => own.address.prefixLength === longest).map(({ dev }) => dev);
  return nics.find((nic) => nic === defaultNic(node, address.family)) ?? nics[0];
}

/** The NIC of the default route with the smallest metric. */
export function defaultNic(
  { routes }: Pick<NodeSight, 'routes'>,
  family: Address['family'],
): string | undefined {
  const defaults = routes.filter(
    ({ destination, table }) =>
      table === MAIN_TABLE && destination.prefixLength === 0 && destination.address.family === family,
  );
  const [first] = defaults.toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
  return first?.dev ?? first?.nextHops?.[0]?.dev;
}

/** The interface of the node that has the address itself. The node would take the pod's packets for its own. */
export function holderOf(address: Address, { addresses }: Pick<NodeSight, 'addresses'>): string | undefined {
  return addresses.find((own) => sameAddress(own.address.address, address))?.dev;
}
