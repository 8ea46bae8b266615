// What users may rely on, told from a pod's shape alone:
// - what is asked on a NIC is answered on it
// - what the node forwards is answered through the node
// - what is sent from a NIC's address leaves by that NIC
//
// Where nothing is promised, a way may work or not. In any case the walk of `orbctl trace` must say which.

import type { Family } from '#ip';
import type { Network } from './networks.ts';
import { type NamedNic, nicsOf, type PodShape } from './shape.ts';

/** `tunePodRoutes: false` leaves all NICs in table main. Of a pod with several NICs only their own LANs are then sure. */
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
 * Whether the pod takes what comes through its node from an address that it reaches by another way. IPv4's strict reverse-path filter
 * drops that, and a filter that is left as it is (-1) may be strict. Answers from the address of the overlay's NIC follow the overlay's
 * own routes, unless these are tuned.
 */
export function throughNode(pod: PodShape, family: Family, nic?: NamedNic): boolean {
  const isLeft = nic !== undefined && nic.shape === undefined && !isTuned(pod);
  return !isLeft && (family === 6 || pod.rpFilter === 0 || pod.rpFilter === 2);
}
