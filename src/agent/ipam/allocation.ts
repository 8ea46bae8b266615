// The assignments of a pod, as the port of address sources states them.

import type { Allocation } from '#cni';
import { type Assignment, interfaceAddress, type NicRoute } from '#plan/ipam';

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
