// Keeps static routes to pods on routers of OpenStack. The key is the id of a router.

import { resources, type SpiderIPPool } from '#api';
import { type Clock, isOrbError, type Logger } from '#base';
import { type Cidr, parseCidr } from '#ip';
import type { KubeClient } from '#kube';
import type { CloudClient } from '#openstack';
import { CloudLedger, type LedgerPlace, type Routes, routesLedger } from '#openstack/cluster-ledger';
import {
  type RefusedRoute,
  routeChanges,
  routerOf,
  routeText,
  type Wishes,
  wishedRoutes,
  withoutRoutes,
} from '#plan/openstack';
import type { Action, Plan } from '#reconcile';
import type { AddressController, AddressState } from '../kinds.ts';

export interface RouterRoutesOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** The namespace of the ledger. */
  readonly namespace: string;
  readonly neutron: CloudClient['neutron'];
  /** How many routes a router may have (Neutron's `max_routes`). No API tells it; a refusal with a lower one counts. */
  readonly routeLimit: number;
}

/** A key for the start: which routers have routes of ours. It cannot be the id of a router. */
const LEDGER = ' ledger';
/** Pods that start together are one call. */
const GATHER_MS = 500;
/** The router is looked at again: others may have removed a route, or made room. */
const LOOK_MS = 60_000;

const orNone = (routes: Routes): Routes | undefined => (routes.length === 0 ? undefined : routes);

export function routerRoutesController(options: RouterRoutesOptions): AddressController {
  const routers = new Routers(options);
  return {
    name: 'router-routes',
    concerns: (kind, object, state) => {
      const named = kind === 'pools' ? routerOf(object as SpiderIPPool) : undefined;
      if (named !== undefined) return [named];
      return kind === 'endpoints' || kind === 'nodes' ? routersOf(state) : [];
    },
    outside: (changed) => routers.begin(changed),
    plan: (key, state, _, signal) => routers.plan(key, state, signal),
  };
}

const routersOf = (state: AddressState): string[] => [
  ...new Set(state.pools.list().flatMap((pool) => routerOf(pool) ?? [])),
];

/** What was found and done at the last look at a router. */
interface Look {
  readonly subnets: readonly Cidr[];
  /** What was wished then. */
  readonly wishes: string;
  readonly untilMs: number;
}

class Routers {
  readonly #options: RouterRoutesOptions;
  readonly #place: LedgerPlace<Routes>;
  readonly #looks = new Map<string, Look>();
  /** Routers that Neutron did not show at the last look. */
  readonly #missed = new Set<string>();
  /** What routers said of their limits. */
  readonly #limits = new Map<string, number>();
  #changed: (key: string) => void = () => {};

  constructor(options: RouterRoutesOptions) {
    this.#options = options;
    this.#place = routesLedger(options);
  }

  begin(changed: (key: string) => void): () => void {
    this.#changed = changed;
    this.#looks.clear();
    changed(LEDGER);
    return () => {
      this.#changed = () => {};
    };
  }

  async plan(key: string, state: AddressState, signal: AbortSignal): Promise<Plan> {
    const { clock } = this.#options;
    if (key === LEDGER) {
      const ledger = await CloudLedger.read(this.#place, signal);
      for (const router of ledger.keys) this.#changed(router);
      return [];
    }
    await clock.sleep(GATHER_MS, signal);
    const look = this.#looks.get(key);
    const leftMs = (look?.untilMs ?? 0) - clock.monotonic();
    if (
      look !== undefined &&
      leftMs > 0 &&
      wishesText(this.#wishes(key, state, look.subnets)) === look.wishes
    )
      return { actions: [], againAfterMs: leftMs };
    const actions = await this.#serve(key, state, signal);
    return { actions, againAfterMs: LOOK_MS };
  }

  /** Makes the routes of the router what the pools wish, and says of each pool what stands in the way. */
  async #serve(routerId: string, state: AddressState, signal: AbortSignal): Promise<Action[]> {
    const { clock, neutron, routeLimit } = this.#options;
    this.#looks.delete(routerId);
    const ledger = await CloudLedger.read(this.#place, signal);
    const owned = ledger.get(routerId) ?? [];
    if (owned.length === 0 && !routersOf(state).includes(routerId)) return [];
    const sight = await neutron.router(routerId, { signal });
    if (sight.is === 'absent') return this.#miss(routerId, ledger, state, signal);
    this.#missed.delete(routerId);
    const subnets = await this.#subnetsOf(routerId, signal);
    const wishes = this.#wishes(routerId, state, subnets);
    const limit = Math.min(routeLimit, this.#limits.get(routerId) ?? routeLimit);
    const { routes } = sight.value;
    const {
      add,
      remove,
      owned: ours,
      refused,
    } = routeChanges(wishes.routes, owned, { routes, subnets, limit });
    const begun = await ledger.with(routerId, orNone(ours), signal);
    if (remove.length > 0) await neutron.removeRoutes(routerId, remove, { signal });
    const unwanted =
      add.length === 0 ? [] : await this.#add(routerId, add, routes.length - remove.length, signal);
    const missing = unwanted.map(({ route }) => route);
    await begun.with(routerId, orNone(withoutRoutes(ours, [...remove, ...missing])), signal);
    const added = withoutRoutes(add, missing);
    if (added.length > 0 || remove.length > 0) {
      const changed = { added: added.map(routeText), removed: remove.map(routeText) };
      this.#options.log.info({ router: routerId, ...changed }, 'routes of the router were changed');
    }
    this.#looks.set(routerId, { subnets, wishes: wishesText(wishes), untilMs: clock.monotonic() + LOOK_MS });
    return tell(routerId, state, (pool) => problemOf(pool, wishes, [...refused, ...unwanted]));
  }

  /**
   * The router's routes went with it. What was ours is forgotten at the second look, if no pool names the router: a login
   * may lose the right to see it, and get it again.
   */
  async #miss(
    routerId: string,
    ledger: CloudLedger<Routes>,
    state: AddressState,
    signal: AbortSignal,
  ): Promise<Action[]> {
    const isKnown = this.#missed.has(routerId);
    this.#missed.add(routerId);
    if (isKnown && !routersOf(state).includes(routerId)) await ledger.with(routerId, undefined, signal);
    return tell(routerId, state, () => 'Neutron does not show it to the login');
  }

  /**
   * Gives the routes that Neutron refuses, with its words. They are added all at once. If one is refused, those of each
   * node are tried alone: one node stops no other. The next plan knows a limit that the router names.
   */
  async #add(
    routerId: string,
    routes: Routes,
    others: number,
    signal: AbortSignal,
  ): Promise<readonly RefusedRoute[]> {
    try {
      await this.#options.neutron.addRoutes(routerId, routes, { signal });
      return [];
    } catch (error) {
      if (isOrbError(error, 'OPENSTACK_ROUTES_FULL'))
        this.#limits.set(routerId, Number(/maximum (\d+)/.exec(error.message)?.[1] ?? others));
      if (!isOrbError(error, 'OPENSTACK_REFUSED')) throw error;
      const byNode = [...Map.groupBy(routes, ({ nexthop }) => nexthop).values()];
      if (byNode.length === 1)
        return routes.map((route) => ({ route, reason: `is refused: ${error.message}` }));
      const refused: RefusedRoute[] = [];
      for (const some of byNode) refused.push(...(await this.#add(routerId, some, others, signal)));
      return refused;
    }
  }

  /** The networks that the router has a NIC in. */
  async #subnetsOf(routerId: string, signal: AbortSignal): Promise<Cidr[]> {
    const { neutron } = this.#options;
    const ports = await neutron.ports({ device_id: routerId }, { signal });
    const ids = new Set(ports.flatMap((port) => port.fixed_ips.map(({ subnet_id }) => subnet_id)));
    const sights = await Promise.all(Array.from(ids, (id) => neutron.subnet(id, { signal })));
    // A subnet of the outer network is one that the login may not see.
    return sights.flatMap((sight) => (sight.is === 'there' ? parseCidr(sight.value.cidr) : []));
  }

  #wishes(routerId: string, { pools, endpoints, nodes }: AddressState, subnets: readonly Cidr[]): Wishes {
    const cluster = { pools: pools.list(), endpoints: endpoints.list(), nodes: nodes.list() };
    return wishedRoutes(routerId, cluster, subnets);
  }
}

const wishesText = (wishes: Wishes): string => JSON.stringify(wishes);

/** A Warning for each pool with a problem. It is repeated with each look, as long as the problem lasts. */
function tell(
  routerId: string,
  state: AddressState,
  problem: (pool: string) => string | undefined,
): Action[] {
  return state.pools.list().flatMap((object): Action[] => {
    if (routerOf(object) !== routerId) return [];
    const said = problem(object.metadata.name ?? '');
    if (said === undefined) return [];
    const note = {
      type: 'Warning',
      reason: 'RoutesMissing',
      message: `router ${routerId}: ${said}`,
    } as const;
    return [{ verb: 'event', type: resources.spiderIPPools, object, note }];
  });
}

/** What a user reads: the first route, and how many more. */
function problemOf(pool: string, wishes: Wishes, refused: readonly RefusedRoute[]): string | undefined {
  const nodes = wishes.unreachable.filter((one) => one.pool === pool).map(({ node }) => node);
  if (nodes.length > 0)
    return `it has no subnet in which these nodes have an InternalIP: ${nodes.slice(0, 5).join(', ')}${more(nodes.length - 5)}`;
  const own = wishes.routes.filter((route) => route.pool === pool).map(routeText);
  const [first, ...others] = refused.filter(({ route }) => own.includes(routeText(route)));
  if (first === undefined) return undefined;
  return `${routeText(first.route)} ${first.reason}${more(others.length)}`;
}

const more = (count: number): string => (count > 0 ? `; ${count} more` : '');
