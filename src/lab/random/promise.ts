// What users may rely on, told from a pod's shape alone: what is asked on a NIC is answered on it, what its node forwards is
// answered through its node, and what leaves by a NIC's address leaves by that NIC.
//
// Where nothing is promised, a way may work or not; it must then do what the walk of `orbctl trace` says.

import type { Family } from '#ip';
import type { Network } from './networks.ts';
import { type NamedNic, nicsOf, type PodShape } from './shape.ts';

/** `tunePodRoutes: false` leaves all NICs in table main: with several, only their own LANs are sure. */
function isTuned(pod: PodShape): boolean {
  return pod.tunePodRoutes || nicsOf(pod).length === 1;
}

/** Whether a NIC by itself has a way to a network. */
function leadsTo({ shape }: NamedNic, network: Network): boolean {
  if (shape === undefined) return true;
  return shape.lan === network || shape.gateway || (network === 'branch' && shape.policyRoutes);
}

/** Between a NIC's own address and a network: questions there are answered, and a socket bound to the address reaches it. */
export function byNic(pod: PodShape, nic: NamedNic, network: Network): boolean {
  return nic.shape?.lan === network || (isTuned(pod) && leadsTo(nic, network));
}

/** A program that names no source reaches what any of its NICs leads to. */
export function byAnyNic(pod: PodShape, family: Family, network: Network): boolean {
  const own = nicsOf(pod).filter(({ families }) => families.includes(family));
  const isOnIt = own.some(({ shape }) => shape?.lan === network);
  return isOnIt || (isTuned(pod) && own.some((nic) => leadsTo(nic, network)));
}

/**
 * What comes through the node from an address whose way back is another. IPv4's strict filter is there to drop that; where it is left
 * as it is, it may be strict. Answers from the overlay's own address are left to its routes, unless these are tuned.
 */
export function throughNode(pod: PodShape, family: Family, nic?: NamedNic): boolean {
  const isLeft = nic !== undefined && nic.shape === undefined && !isTuned(pod);
  return !isLeft && (family === 6 || pod.rpFilter === 0 || pod.rpFilter === 2);
}
