// The NIC of this node that stands on a port of the cloud.

import { OrbError } from '#base';
import { type Address, formatAddress } from '#ip';
import type { Link, NetworkNamespace } from '#net';
import type { OwnNic } from '#plan/openstack';

export interface NodeNic {
  readonly identity: OwnNic;
  readonly mtuBytes: number;
  readonly addresses: readonly Address[];
}

/** `name` is undefined for the NIC of the default route. Throws INPUT_INVALID. */
export function ownNic(namespace: NetworkNamespace, name = nicOfDefaultRoute(namespace)): NodeNic {
  const links = namespace.links();
  const link = links.find((one) => one.name === name);
  if (link?.mac === undefined) {
    const message = link === undefined ? `this node has no NIC ${name}` : `${name} has no MAC address`;
    throw new OrbError('INPUT_INVALID', { message, subject: name });
  }
  const addresses = namespace
    .addresses({ dev: name })
    .filter(({ scope }) => scope === 'global')
    .map(({ address }) => address.address);
  return {
    identity: {
      name,
      mac: link.mac,
      addresses: addresses.map(formatAddress),
      macsOfNode: links.filter(isOwn).flatMap(({ mac }) => (mac === undefined ? [] : [mac])),
    },
    mtuBytes: link.mtuBytes,
    addresses,
  };
}

/** A veth leads to a pod: its MAC address is not one of the node. */
const isOwn = (link: Link): boolean => !link.loopback && link.kind !== 'veth';

function nicOfDefaultRoute(namespace: NetworkNamespace): string {
  const routes = namespace
    .routes({ table: 254 })
    .filter(({ destination, type }) => destination.prefixLength === 0 && type === 'unicast')
    .toSorted(
      (a, b) =>
        a.destination.address.family - b.destination.address.family || (a.metric ?? 0) - (b.metric ?? 0),
    );
  const dev = routes[0]?.dev ?? routes[0]?.nextHops?.[0]?.dev;
  if (dev !== undefined) return dev;
  const message =
    'this node has no default route, so its NIC must be named: hostInterface of a network configuration, --interface of orbctl';
  throw new OrbError('INPUT_INVALID', { message, subject: 'default route' });
}
