// Removes what an attachment made, using only the container id. DEL may have no agent memory, no API, no pod object and
// no pod namespace (Spiderpool #5735).

import { type Address, parseCidr, sameAddress } from '#ip';
import {
  type Link,
  type NetworkChange,
  type NetworkNamespace,
  type ProxyNeighbour,
  ROUTE_PROTOCOL,
} from '#net';
import {
  arePeers,
  changesOf,
  type DesiredNamespace,
  difference,
  hostLinkName,
  isHostLink,
  NFT_TABLE,
  nothingObserved,
  nothingWanted,
  type ObservedNamespace,
  POD_LINK,
  type VethPair,
  vethMac,
} from '#plan/network';
import type { RecordedNic } from './recorded-nic.ts';

/**
 * Removes the attachment's link from the node. With it, the kernel removes the peer in the pod, and the addresses,
 * routes and permanent neighbours on both ends. Another program's link of that name stays. Safe to repeat.
 * @param pod also identifies our link by its peer, in case its MAC address was changed
 */
export async function undoNode(
  node: NetworkNamespace,
  containerId: string,
  pod?: NetworkNamespace,
): Promise<void> {
  const pair = {
    hostLink: hostLinkName(containerId),
    hostMac: vethMac(containerId, 'node'),
    podLink: POD_LINK,
  };
  await undoPair(node, pair, pod);
}

/** As {@link undoNode}, for any pair of ours. */
export async function undoPair(
  node: NetworkNamespace,
  { hostLink: name, hostMac, podLink }: Omit<VethPair, 'podMac'>,
  pod?: NetworkNamespace,
): Promise<void> {
  const link = node.link(name);
  if (link === undefined || !(isHostLink(link, hostMac) || leadsTo(link, podLink, pod))) return;
  try {
    await node.deleteLink(name);
  } catch (error) {
    // The pod's namespace, and the link with it, may have been deleted between the look and this deletion.
    if (node.link(name) !== undefined) throw error;
  }
}

/** Whether the link's peer is the pod's end of our pair. A pod that is being deleted has no such end. */
function leadsTo(link: Link, podLink: string, pod: NetworkNamespace | undefined): boolean {
  const end = pod?.link(podLink);
  return end !== undefined && arePeers(link, end);
}

/**
 * Removes one NIC's routes and neighbours from the node. They may be on an overlay's link, which stays. Otherwise the
 * node would keep the packets for an address that later belongs to another machine.
 */
export function undoNic(node: NetworkNamespace, nic: RecordedNic): void {
  const changes = shareOf(node, nic);
  if (changes.length === 0) return;
  try {
    node.change(changes);
  } catch (error) {
    // The overlay's link may have been deleted between the look and this deletion.
    if (shareOf(node, nic).length > 0) throw error;
  }
}

function shareOf(node: NetworkNamespace, nic: RecordedNic): NetworkChange[] {
  const { hostLink: dev, hostTable: table } = nic;
  const own = nic.nic.addresses.map((text) => parseCidr(text).address);
  const isOwn = (address: Address, protocol: number | undefined) =>
    protocol === ROUTE_PROTOCOL && own.some((other) => sameAddress(other, address));
  const routes = node
    .routes({ table, dev })
    .filter(({ destination, protocol }) => isOwn(destination.address, protocol));
  const neighbours = node.neighbours({ dev }).filter(({ address, protocol }) => isOwn(address, protocol));
  return [
    ...routes.map((route): NetworkChange => ({ verb: 'delete', kind: 'route', route })),
    ...neighbours.map((neighbour): NetworkChange => ({ verb: 'delete', kind: 'neighbour', neighbour })),
  ];
}

/**
 * Removes our rules, routes, neighbours and nftables table from a pod's namespace that continues to exist. When the
 * last of our NICs leaves an overlay's pod, the overlay's default route returns to its old place.
 */
export function undoPod(pod: NetworkNamespace, desired: DesiredNamespace = nothingWanted): void {
  const observed: ObservedNamespace = {
    ...nothingObserved,
    routes: pod.routes(),
    rules: pod.rules(),
    neighbours: pod.neighbours(),
  };
  const changes = changesOf(difference(desired, observed));
  if (changes.length > 0) pod.change(changes);
  if (pod.nftTable('inet', NFT_TABLE) === undefined) return;
  // The table may be gone by now: this transaction can be repeated.
  pod.nft(`add table inet ${NFT_TABLE}\ndelete table inet ${NFT_TABLE}\n`);
}

/**
 * Removes our rules, routes, neighbours, proxies and nftables table from the node's namespace. Links go with the pods.
 */
export function undoHost(node: NetworkNamespace): void {
  removeProxies(node, () => true);
  undoPod(node);
}

/** The addresses for which NICs of the node answer because of us. */
export function ownProxies(node: NetworkNamespace): ProxyNeighbour[] {
  return node.proxies().filter(({ protocol }) => protocol === ROUTE_PROTOCOL);
}

/** Removes some of {@link ownProxies}, and returns them. */
export function removeProxies(
  node: NetworkNamespace,
  isUnwanted: (proxy: ProxyNeighbour) => boolean,
): readonly ProxyNeighbour[] {
  const unwanted = ownProxies(node).filter(isUnwanted);
  if (unwanted.length === 0) return unwanted;
  try {
    node.change(unwanted.map((proxy) => ({ verb: 'delete', kind: 'proxy', proxy }) as const));
  } catch (error) {
    // They go with their NIC, also between the look and this deletion.
    if (ownProxies(node).some(isUnwanted)) throw error;
  }
  return unwanted;
}
