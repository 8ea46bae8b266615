// Which NIC of the node a configuration means, and whether a pod may have it.

import type { NicName } from '#api';
import { OrbError } from '#base';
import { formatCidr } from '#ip';
import { type InterfaceAddress, type Link, type Route, RTPROT } from '#net';
import { attachedTo } from './alias.ts';

/** What is read on the node before a NIC is taken. */
export interface NodeSight {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  /** Of all tables. */
  readonly routes: readonly Route[];
  /** The indexes of links on which links in namespaces of pods are made, as macvlans. */
  readonly parents: readonly number[];
}

/**
 * The NIC that the configuration names. `atPath` are the NICs of the device, if it names one by a path or the PCI bus.
 * Throws HOST_DEVICE_UNUSABLE with what is in the way.
 */
export function chosenNic({ key, value }: NicName, atPath: readonly string[], sight: NodeSight): Link {
  const subject = `${key} ${value}`;
  const found = sight.links.filter((link) => isNamed(link, { key, value }, atPath));
  const [link, ...others] = found;
  if (link === undefined)
    throw unusable(`this node has no NIC with ${subject}, or a pod has it already`, subject);
  if (others.length > 0) {
    const names = found.map(({ name }) => name).join(', ');
    throw unusable(
      `${found.length} NICs of this node have ${subject} (${names}): name one by device`,
      subject,
    );
  }
  const use = useOf(link, sight);
  if (use !== undefined)
    throw unusable(`NIC ${link.name} of this node is not given to a pod: ${use}`, link.name);
  return link;
}

function isNamed(link: Link, { key, value }: NicName, atPath: readonly string[]): boolean {
  if (key === 'device') return link.name === value;
  return key === 'hwaddr' ? link.mac === value : atPath.includes(link.name);
}

/** Who uses the link. Undefined if nobody does. */
function useOf(link: Link, { links, addresses, routes, parents }: NodeSight): string | undefined {
  if (link.loopback) return 'it is the loopback interface';
  const holder = attachedTo(link.alias);
  if (holder !== undefined) return `it came back from container ${holder.key.containerId}, whose DEL is due`;
  const master = links.find(({ index }) => index === link.masterIndex);
  if (master !== undefined) return `it is a port of ${master.name}`;
  const child = links.find(
    (other) => other.linkIndex === link.index && other.linkNetnsId === undefined && other.kind !== 'veth',
  );
  if (child !== undefined) return `${child.name} is made on it`;
  if (parents.includes(link.index)) return 'a NIC of another pod is made on it';
  const used = routes.find((route) => leadsOut(route, link.name));
  if (used?.destination.prefixLength === 0) return 'the default route of the node leads through it';
  const address = addresses.find(({ dev, scope }) => dev === link.name && scope !== 'link');
  if (address !== undefined) return `it has address ${formatCidr(address.address)}`;
  return used && `a route to ${formatCidr(used.destination)} leads through it`;
}

/** Not those that the kernel itself makes for a link that is up, as of fe80::/64. */
function leadsOut(route: Route, name: string): boolean {
  if (route.type !== 'unicast' || route.protocol === RTPROT.kernel) return false;
  return [route, ...(route.nextHops ?? [])].some(({ dev }) => dev === name);
}

function unusable(message: string, subject: string): OrbError {
  return new OrbError('HOST_DEVICE_UNUSABLE', { message, subject });
}
