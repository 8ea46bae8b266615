// The plan of a pod as repair needs it. It includes the objects of the previous plugins that disappear when a link goes
// down. It leaves out the NICs that are gone or belong to another program now.

import { type Cidr, formatAddress, networkOf, sameAddress, sameCidr } from '#ip';
import { type InterfaceAddress, type Link, MAIN_TABLE, type Route, RTPROT } from '#net';
import { type DesiredNamespace, type DesiredNetwork, type Owned, routeKey } from '../state/index.ts';

/** A NIC as it was attached. */
export interface AttachedNic {
  readonly name: string;
  /** The index of its link in the pod. Unknown in records of older agents. */
  readonly index?: number;
  readonly addresses: readonly Cidr[];
  /** Its routes in main as its plugin made them. */
  readonly routes: readonly Route[];
}

/** A NIC that is gone or belongs to another program now, with a sentence about it. */
export interface MissingNic {
  readonly nic: AttachedNic;
  readonly problem: string;
}

/**
 * NICs that another program deleted or replaced, or whose address it took (KubeVirt gives it to a virtual machine). A
 * macvlan cannot be made again from the record. A moved address must not exist twice.
 */
export function missingNics(
  nics: readonly AttachedNic[],
  links: readonly Link[],
  addresses: readonly InterfaceAddress[],
): MissingNic[] {
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

/** The plan with the addresses and routes of the previous plugins, because `ip link set down` deletes them. */
export function restoring(desired: DesiredNetwork, nics: readonly AttachedNic[]): DesiredNetwork {
  const { pod } = desired;
  const owner = pod.links[0]?.owner ?? 'node';
  const planned = new Set([...pod.routes, ...pod.unwantedRoutes, ...pod.leftRoutes].map(routeKey));
  const made = nics
    .flatMap(({ routes }) => routes)
    .filter(({ protocol }) => protocol !== RTPROT.kernel)
    .filter((route) => !planned.has(routeKey(route)))
    // The kernel looks for a gateway in the routes that exist already.
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

/** Whether the route may be restored. A router that stopped advertising itself must not return. */
function outlives({ table, protocol }: Route): boolean {
  return table !== MAIN_TABLE || protocol !== RTPROT.ra;
}

/**
 * The address was in use on this link before, so no other machine can have it. Duplicate address detection would block
 * it for two seconds.
 */
function restored(address: InterfaceAddress, nics: readonly AttachedNic[]): InterfaceAddress {
  const network = networkOf(address.address);
  const connected = nics.some(
    ({ name, routes }) =>
      name === address.dev &&
      routes.some(
        ({ protocol, destination }) => protocol === RTPROT.kernel && sameCidr(destination, network),
      ),
  );
  return { ...address, noDad: true, ...(!connected && { noPrefixRoute: true }) };
}

/** The plan without the objects that are on these links or need their addresses. Stale objects on them stay. */
export function withoutNics(desired: DesiredNetwork, lost: readonly MissingNic[]): DesiredNetwork {
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
      complete: false,
    },
  };
}

function isSource({ source }: Route, address: Cidr['address']): boolean {
  return source !== undefined && sameAddress(source, address);
}

/** The plan for the node without missing links of other programs: an overlay's node end of a pod. */
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
