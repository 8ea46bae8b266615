// The networks of the interface on the node that a pod's NIC is made from.

import type { Cidr } from '#ip';
import { physicalFunctionNics } from '#kernel';
import type { Link, NetworkNamespace } from '#net';

/** Kinds that are made on another interface. Their `linkIndex` is its index in the node's namespace. */
const madeOnParent = ['macvlan', 'ipvlan', 'vlan'];

/**
 * The addresses with prefix lengths of the parent: the physical function of a virtual function, or what a macvlan,
 * ipvlan or VLAN is made on. Empty if the NIC has no parent on the node, or the parent has no address.
 */
export function parentNetworks(
  pod: NetworkNamespace,
  node: NetworkNamespace,
  nic: string,
  physicalFunction = physicalFunctionNics,
): Cidr[] {
  const link = pod.link(nic);
  const parents = link === undefined ? [] : parentsOf(link, node, physicalFunction);
  return parents.flatMap((dev) => node.addresses({ dev }).map(({ address }) => address));
}

function parentsOf(
  { kind, linkIndex, deviceName }: Link,
  node: NetworkNamespace,
  physicalFunction: (device: string) => string[],
): string[] {
  const links = node.links();
  if (kind !== undefined && madeOnParent.includes(kind)) {
    return links.filter(({ index }) => index === linkIndex).map(({ name }) => name);
  }
  const nics = deviceName === undefined ? [] : physicalFunction(deviceName);
  return nics.filter((name) => links.some((link) => link.name === name));
}
