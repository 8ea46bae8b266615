// Decides which NIC keeps its default route in table main, and to which tables the other NICs' default routes move.

import type { Family } from '#ip';
import type { Route } from '#net';
import { sameHop, sameRouteKey } from '../state/index.ts';
import { isMultusAtWork, multusKeeper, multusRequest, multusRoute } from './multus-default.ts';
import type { PodNic } from './nic.ts';
import { hasFamily, type Nic, type PlanContext } from './plan-context.ts';

/** A NIC whose traffic uses a table of its own. */
export interface NicWithTable {
  readonly nic: Nic;
  readonly family: Family;
  readonly table: number;
}

/**
 * Returns the NIC whose default route is in main. The first of these that exists is taken:
 * - the NIC that Multus gives the default route
 * - the NIC that the user asked for, if it has a default route
 * - the first NIC with a default route
 * - the first NIC with an address of the family
 */
export function keeperOf(context: PlanContext, family: Family): Nic | undefined {
  const multus = multusKeeper(context, family);
  if (multus !== undefined) return multus;
  const wanted = requested(context);
  const candidates = context.nics.filter((nic) => defaultRoutes(nic, family).length > 0);
  return (
    candidates.find((nic) => nic === wanted) ??
    candidates[0] ??
    context.nics.find((nic) => hasFamily(nic, family))
  );
}

/**
 * The last NIC that names a default-route NIC decides, as in successive ADDs. A named NIC that is not attached yet is
 * no error. The pod's annotation names net2 while net1 is being added (Spiderpool fails net1's ADD).
 */
function requested(context: PlanContext): Nic | undefined {
  return context.nics
    .filter((nic) => nic.ours && nic.settings.tunePodRoutes)
    .map((nic) => context.nics.find(({ name }) => name === nic.settings.podDefaultRouteNic))
    .findLast((nic) => nic !== undefined);
}

/** Returns a sentence for each requested default route that cannot be set up now. */
export function unmetRequests(context: PlanContext): string[] {
  const names = context.nics
    .filter((nic) => nic.ours && nic.settings.tunePodRoutes)
    .map((nic) => nic.settings.podDefaultRouteNic)
    .filter((name) => name !== undefined && !context.nics.some((nic) => nic.name === name));
  return [...new Set(names)].map(
    (name) => `podDefaultRouteNIC: ${name} don't exist in pod; the default route stays where it is for now`,
  );
}

/**
 * Returns the NICs that main does not serve, each with its table. The pod's first NIC has no table of its own. It uses
 * the table of the NIC that replaced it in main. A NIC with `tunePodRoutes: false` stays in main, where its plugin put
 * it.
 */
export function nicsWithTables(context: PlanContext): NicWithTable[] {
  return context.families.flatMap((family) => {
    const keeper = keeperOf(context, family);
    return context.nics.flatMap((nic) => {
      if (nic === keeper || !hasFamily(nic, family)) return [];
      const mover = nic === context.first ? keeper : nic;
      const table = mover?.table;
      return table === undefined || mover?.settings.tunePodRoutes !== true ? [] : [{ nic, family, table }];
    });
  });
}

export function defaultRoutes(nic: Pick<PodNic, 'routes'>, family?: Family): Route[] {
  return nic.routes.filter(
    ({ destination }) =>
      destination.prefixLength === 0 && (family === undefined || destination.address.family === family),
  );
}

/**
 * Default routes of main. `wanted` must exist. `unwanted` must not exist, because the route moved or its NIC leaves.
 * `left` may exist or not: plugins made these routes, and Multus deletes them on purpose.
 */
export function mainDefaults(
  context: PlanContext,
  moved: readonly NicWithTable[],
  leaving: PodNic | undefined,
) {
  const wanted = ([4, 6] as const).flatMap((family) => wantedDefaults(context, family, leaving));
  const gone = [
    ...moved.flatMap(({ nic, family }) => defaultRoutes(nic, family)),
    ...([4, 6] as const).flatMap((family) => replacedByMultus(context, family)),
    ...(leaving === undefined ? [] : [...defaultRoutes(leaving), ...leavingMultus(context, leaving)]),
  ];
  const isWanted = (route: Route) =>
    wanted.some((other) => sameRouteKey(other, route) && sameHop(other, route));
  const left = isMultusAtWork(context) ? context.nics.flatMap((nic) => defaultRoutes(nic)) : [];
  return { wanted, unwanted: gone.filter((route) => !isWanted(route)), left };
}

function wantedDefaults(context: PlanContext, family: Family, leaving: PodNic | undefined): Route[] {
  const request = multusRequest(context, family);
  const keeper = keeperOf(context, family);
  if (request !== undefined && request.nic === keeper?.name) return [multusRoute(request)];
  // When the requested NIC leaves, the default route returns to the NIC that would have it without the request.
  if (isMultusAtWork(context) && (request === undefined || request.nic !== leaving?.name)) return [];
  return keeper === undefined ? [] : defaultRoutes(keeper, family);
}

/** The default routes that the NIC's own plugin made, if Multus gives the NIC another one. */
function replacedByMultus(context: PlanContext, family: Family): Route[] {
  const keeper = multusKeeper(context, family);
  return keeper?.ours === true && keeper.settings.tunePodRoutes ? defaultRoutes(keeper, family) : [];
}

function leavingMultus(context: PlanContext, { name }: PodNic): Route[] {
  return ([4, 6] as const).flatMap((family) => {
    const request = multusRequest(context, family);
    return request?.nic === name ? [multusRoute(request)] : [];
  });
}
