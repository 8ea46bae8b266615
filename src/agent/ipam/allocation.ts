// The assignments of a pod, as the port of address sources states them.

import { OrbError } from '#base';
import type { Allocation, LinkDemand } from '#cni';
import type { Mac } from '#net';
import {
  type Assignment,
  interfaceAddress,
  type NicRoute,
  type ProvidedLink,
  providedLink,
} from '#plan/ipam';

export function allocationOf(
  podUid: string,
  assignments: readonly Assignment[],
  routes: readonly NicRoute[],
): Allocation {
  return {
    podUid,
    addresses: assignments.map((assignment) => ({
      nic: assignment.nic,
      address: interfaceAddress(assignment),
      heldIn: assignment.pool.name,
      ...(assignment.pool.gateway !== undefined && { gateway: assignment.pool.gateway }),
    })),
    routes,
  };
}

/**
 * What the interface must have: what the provider of the pool demands, or of the network (`bound`), or what was requested. Throws
 * ADDRESS_REQUEST_UNSERVED if these are two link addresses.
 */
export function linkDemand(
  nic: string,
  assignments: readonly Assignment[],
  requested: Mac | undefined,
  bound?: ProvidedLink,
): LinkDemand {
  const own = assignments.filter((one) => one.nic === nic);
  const link = providedLink(nic, own, bound);
  if (requested === undefined) return link;
  if (link.mac === undefined || link.mac === requested) return { ...link, mac: requested };
  const message = `the link address ${requested} is requested for interface ${nic}, and the provider of IPPool ${own[0]?.pool.name} demands ${link.mac}`;
  throw new OrbError('ADDRESS_REQUEST_UNSERVED', { message, subject: nic });
}
