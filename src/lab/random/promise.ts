// What users may rely on, derived only from the shape of a pod:
// - a question that arrives on a NIC is answered on that NIC
// - a packet that the node forwards is answered through the node
// - a packet from a NIC's address leaves by that NIC
//
// Without a promise, a path may work or not. In any case, the walk of `orbctl trace` must predict which.

import type { Family } from '#ip';
import type { Network } from './networks.ts';
import { type NamedNic, nicsOf, type PodShape } from './shape.ts';

/** `tunePodRoutes: false` leaves all NICs in table main. Then a pod with several NICs can rely only on the LANs of its NICs. */
function isTuned(pod: PodShape): boolean {
  return pod.tunePodRoutes || nicsOf(pod).length === 1;
}

/** Whether a NIC alone has a route to a network. */
function leadsTo({ shape }: NamedNic, network: Network): boolean {
  if (shape === undefined) return true;
  return shape.lan === network || shape.gateway || (network === 'branch' && shape.policyRoutes);
}

/**
 * Whether a NIC's own address and a network reach each other. Questions from the network are answered, and a socket bound to the address
 * reaches the network.
 */
export function byNic(pod: PodShape, nic: NamedNic, network: Network): boolean {
  return nic.shape?.lan === network || (isTuned(pod) && leadsTo(nic, network));
}

/** A program that binds to no source address reaches all networks to which one of its NICs has a route. */
export function byAnyNic(pod: PodShape, family: Family, network: Network): boolean {
  const own = nicsOf(pod).filter(({ families }) => families.includes(family));
  const isOnIt = own.some(({ shape }) => shape?.lan === network);
  return isOnIt || (isTuned(pod) && own.some((nic) => leadsTo(nic, network)));
}

/**
 * Whether the pod accepts a packet through its node if the route to the sender is another one. IPv4's strict reverse-path filter drops such
 * packets, and an unchanged filter (-1) may be strict. Answers from the address of the overlay's NIC follow the overlay's own routes,
 * unless these are tuned.
 */
export function throughNode(pod: PodShape, family: Family, nic?: NamedNic): boolean {
  const isLeft = nic !== undefined && nic.shape === undefined && !isTuned(pod);
  return !isLeft && (family === 6 || pod.rpFilter === 0 || pod.rpFilter === 2);
}
