// The routes of a pod's NICs: the routes of the pools and of the pod's annotation, and the default route.

import { cidrContains, defaultDestination } from '#ip';
import { type Assignment, interfaceAddress } from './allocate.ts';
import type { PodRoute } from './pool-network.ts';

/** A route on one NIC of the pod. */
export interface NicRoute extends PodRoute {
  readonly nic: string;
}

/**
 * The routes of the IPAM result. A custom route goes to the first address whose subnet contains its gateway. Routes
 * that no address reaches are returned in `unmatched`, for the log.
 */
export function assignmentRoutes(
  assignments: readonly Assignment[],
  custom: readonly PodRoute[],
): { readonly routes: readonly NicRoute[]; readonly unmatched: readonly PodRoute[] } {
  const taker = (route: PodRoute) =>
    assignments.find((assignment) => cidrContains(interfaceAddress(assignment), route.gateway));
  const routes = assignments.flatMap((assignment) => {
    const { nic, pool, cleanGateway, family } = assignment;
    const defaults =
      pool.gateway === undefined || cleanGateway
        ? []
        : [{ destination: defaultDestination(family), gateway: pool.gateway }];
    const own = custom.filter((route) => taker(route) === assignment);
    return [...defaults, ...pool.routes, ...own].map((route) => ({ nic, ...route }));
  });
  return { routes, unmatched: custom.filter((route) => taker(route) === undefined) };
}
