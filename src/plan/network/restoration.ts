// The plan of a pod as repair needs it: with what the plugins before us made, which goes when a link goes down, and
// without the NICs that are in other hands by now.

import { type Cidr, formatAddress, formatCidr, networkOf, sameAddress } from '#ip';
import { type InterfaceAddress, type Link, MAIN_TABLE, type Route, RTPROT } from '#net';
import type { DesiredNamespace, DesiredNetwork, Owned } from './desired.ts';
import { routeKey } from './same.ts';

/** A NIC as it was attached. */
export interface AttachedNic {
  readonly name: string;
  /** Of its link in the pod; unknown in records of older agents. */
  readonly index?: number;
  readonly addresses: readonly Cidr[];
  /** Its routes in main as its plugin made them. */
  readonly routes: readonly Route[];
}

/** A NIC that is gone or in other hands, with a sentence about it. */
export interface LostNic {
  readonly nic: AttachedNic;
  readonly problem: string;
}

/**
 * NICs that another program has deleted, replaced, or taken the address from (KubeVirt gives it to a virtual machine): a macvlan
 * cannot be made again with what it was, and an address that has moved must not be there twice.
 */
export function lostNics(
  nics: readonly AttachedNic[],
  links: readonly Link[],
  addresses: readonly InterfaceAddress[],
): LostNic[] {
  return nics.flatMap((nic) => {
    const link = links.find(({ name }) => name === nic.name);
    if (link === undefined) return [{ nic, problem: `interface ${nic.name} is missing` }];
    if (nic.index !== undefined && link.index !== nic.index) {
      const problem = `interface ${nic.name} is not the one that was attached: its index is ${link.index}, not ${nic.index}`;
      return [{ nic, problem }];
    }
    const elsewhere = nic.addresses.flatMap(({ address }) => movedTo(nic.name, address, addresses));
    return elsewhere.slice(0, 1).map((problem) => ({ nic, problem }));
  });
}

function movedTo(name: string, own: Cidr['address'], addresses: readonly InterfaceAddress[]): string[] {
  const devs = addresses.filter(({ address }) => sameAddress(address.address, own)).map(({ dev }) => dev);
  if (devs.length === 0 || devs.includes(name)) return [];
  return [`address ${formatAddress(own)} of interface ${name} is on ${devs[0]}`];
}

/** The plan with the addresses and routes that the plugins made: `ip link set down` takes them along. */
export function restoring(desired: DesiredNetwork, nics: readonly AttachedNic[]): DesiredNetwork {
  const { pod } = desired;
  const owner = pod.links[0]?.owner ?? 'node';
  const planned = new Set([...pod.routes, ...pod.unwantedRoutes, ...pod.leftRoutes].map(routeKey));
  const made = nics
    .flatMap(({ routes }) => routes)
    .filter(({ protocol }) => protocol !== RTPROT.kernel)
    .filter((route) => !planned.has(routeKey(route)))
    // Gateways are looked up among what is there before them.
    .toSorted((a, b) => Number(a.gateway !== undefined) - Number(b.gateway !== undefined));
  return {
    ...desired,
    pod: {
      ...pod,
      addresses: [
        ...pod.addresses,
        ...pod.expectedAddresses.map((address) => ({ ...restored(address, nics), owner })),
      ],
      expectedAddresses: [],
      routes: [...made.map((route) => ({ ...route, owner })), ...pod.routes].filter(outlives),
    },
  };
}

/** A router that no longer advertises itself must not be given back. */
function outlives({ table, protocol }: Route): boolean {
  return table !== MAIN_TABLE || protocol !== RTPROT.ra;
}

/** It was on the wire before: nobody else can have taken it, and detection would keep it silent for two seconds. */
function restored(address: InterfaceAddress, nics: readonly AttachedNic[]): InterfaceAddress {
  const network = formatCidr(networkOf(address.address));
  const connected = nics.some(
    ({ name, routes }) =>
      name === address.dev &&
      routes.some(
        ({ protocol, destination }) => protocol === RTPROT.kernel && formatCidr(destination) === network,
      ),
  );
  return { ...address, noDad: true, ...(!connected && { noPrefixRoute: true }) };
}

/** The plan less what stands on these links or needs their addresses; what is stale on them stays. */
export function withoutNics(desired: DesiredNetwork, lost: readonly LostNic[]): DesiredNetwork {
  if (lost.length === 0) return desired;
  const names = new Set(lost.map(({ nic }) => nic.name));
  const isThere = ({ dev }: { readonly dev?: string }) => dev === undefined || !names.has(dev);
  const stands = (route: Route) =>
    isThere(route) &&
    (route.nextHops ?? []).every(isThere) &&
    !lost.some(({ nic }) => nic.addresses.some(({ address }) => isSource(route, address)));
  const { pod } = desired;
  return {
    ...desired,
    pod: {
      ...pod,
      links: pod.links.filter(({ name }) => !names.has(name)),
      addresses: pod.addresses.filter(isThere),
      expectedAddresses: pod.expectedAddresses.filter(isThere),
      routes: pod.routes.filter(stands),
      unwantedRoutes: pod.unwantedRoutes.filter(stands),
      neighbours: pod.neighbours.filter(isThere),
      sysctls: pod.sysctls.filter(({ key }) => !key.split('/').some((part) => names.has(part))),
      whole: false,
    },
  };
}

function isSource({ source }: Route, address: Cidr['address']): boolean {
  return source !== undefined && sameAddress(source, address);
}

/** The node's share without links of others that are gone: an overlay's end of a pod. */
export function withoutHostLinks(
  node: DesiredNamespace,
  links: readonly Link[],
): { readonly node: DesiredNamespace; readonly problems: readonly string[] } {
  const missing = node.links
    .filter(({ name, type }) => type === undefined && !links.some((link) => link.name === name))
    .map(({ name }) => name);
  if (missing.length === 0) return { node, problems: [] };
  const isThere = <T extends { readonly dev?: string }>({ dev }: Owned<T>) => !missing.includes(dev ?? '');
  return {
    node: {
      ...node,
      links: node.links.filter(({ name }) => !missing.includes(name)),
      addresses: node.addresses.filter(isThere),
      routes: node.routes.filter(isThere),
      neighbours: node.neighbours.filter(isThere),
    },
    problems: missing.map((name) => `interface ${name} of the node is missing`),
  };
}
