// Reserves the addresses of pools in Neutron: a port for each. The status of the pool says which are ready, so that no ADD
// waits for Neutron. The key is the name of a pool.

import { resources, type SpiderIPPool } from '#api';
import { type Clock, errorText, isOrbError, type Logger } from '#base';
import { AddressSet, type Cidr, formatCidr, parseCidr, sameCidr } from '#ip';
import { type KubeClient, keyOf } from '#kube';
import { type CloudClient, PoolPorts, SECOND_LOOK_MS, type Subnet } from '#openstack';
import { PoolLedger } from '#plan/ipam';
import {
  addressesOf,
  ipMetaDataOf,
  isOfNeutron,
  isPoolPortOf,
  type LeavingPorts,
  leavingPorts,
  listed,
  MOST_POOL_PORTS,
  NETWORK_ANNOTATION,
  networkOfPool,
  type PoolPort,
  poolPortStep,
  poolUidOf,
} from '#plan/openstack';
import { type Action, type Plan, statusActions } from '#reconcile';
import type { AddressController, AddressState } from '../kinds.ts';
import { addressesIn, RefusedAddresses, refusalText } from './refused-addresses.ts';

export interface PoolPortsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly neutron: CloudClient['neutron'];
}

/** A key: ports of pools that are gone, or not Neutron's any more. It cannot be the name of a pool. */
const LEFT = ' left';
/** A pool is looked at again: others may have deleted a port. */
const LOOK_MS = 60_000;
/** How many ports one plan makes. The status tells of them before the next ones. */
const MOST_AT_ONCE = 200;

export function poolPortsController(options: PoolPortsOptions): AddressController {
  const pools = new Pools(options);
  return {
    name: 'pool-ports',
    workers: 4,
    concerns: (kind, object) => (kind === 'pools' ? pools.concerned(object as SpiderIPPool) : []),
    outside: (changed) => pools.begin(changed),
    plan: (key, state, _, signal) =>
      key === LEFT ? pools.clean(state, signal) : pools.plan(state.pools.get(key), signal),
  };
}

/** What was found at the last look at a pool. */
interface Look {
  /** What was asked then. */
  readonly asked: string;
  readonly untilMs: number;
}

class Pools {
  readonly #options: PoolPortsOptions;
  readonly #ports: PoolPorts;
  /** By the UID of the pool. */
  readonly #looks = new Map<string, Look>();
  readonly #refused: RefusedAddresses;
  #cluster: string | undefined;
  #changed: (key: string) => void = () => {};

  constructor(options: PoolPortsOptions) {
    this.#options = options;
    this.#ports = new PoolPorts(options.neutron);
    this.#refused = new RefusedAddresses(options.clock);
  }

  begin(changed: (key: string) => void): () => void {
    this.#changed = changed;
    this.#looks.clear();
    changed(LEFT);
    return () => {
      this.#changed = () => {};
    };
  }

  concerned(pool: SpiderIPPool): string[] {
    if (isOfNeutron(pool)) return [keyOf(pool)];
    return this.#looks.has(pool.metadata.uid ?? '') ? [LEFT] : [];
  }

  async plan(pool: SpiderIPPool | undefined, signal: AbortSignal): Promise<Plan> {
    if (pool === undefined || !isOfNeutron(pool)) {
      this.#changed(LEFT);
      return [];
    }
    const { uid = '' } = pool.metadata;
    const look = this.#looks.get(uid);
    const asked = askedOf(pool);
    const leftMs = (look?.untilMs ?? 0) - this.#options.clock.monotonic();
    if (look?.asked === asked && leftMs > 0) return { actions: [], againAfterMs: leftMs };
    const { actions, isWhole } = await this.#serve(pool, signal);
    const untilMs = this.#options.clock.monotonic() + (isWhole ? LOOK_MS : 0);
    this.#looks.set(uid, { asked, untilMs });
    return { actions, againAfterMs: isWhole ? LOOK_MS : 1 };
  }

  /** Deletes the ports of pools that are gone, and of those that are not Neutron's any more. Held addresses keep theirs. */
  async clean(state: AddressState, signal: AbortSignal): Promise<Plan> {
    const cluster = await this.#clusterUid(signal);
    const ports = (await this.#ports.all({ signal })).filter((port) => isPoolPortOf(port, cluster));
    // The server knows of pools that the watch does not show yet.
    const { items } = await this.#options.client.list(resources.spiderIPPools, {}, { signal });
    const pools = new Map(items.map((pool) => [pool.metadata.uid ?? '', pool]));
    const isServed = (uid: string) => {
      const pool = pools.get(uid);
      return pool !== undefined && isOfNeutron(pool);
    };
    const actions: Action[] = [];
    let left = 0;
    for (const [uid, own] of Map.groupBy(ports, (port) => poolUidOf(port) ?? '')) {
      if (isServed(uid)) continue;
      const pool = pools.get(uid);
      const { isTold, surplus } = this.#leaving(pool, own);
      // What the status says goes first.
      if (pool !== undefined && isTold)
        actions.push(...statusActions(resources.spiderIPPools, pool, { ipMetaData: null }));
      else left -= await this.#giveUp(pool, surplus, state, signal);
      left += own.length;
    }
    for (const uid of this.#looks.keys()) if (!isServed(uid)) this.#looks.delete(uid);
    this.#refused.keepOnly(isServed);
    if (left === 0) return actions;
    return { actions, againAfterMs: actions.length > 0 ? SECOND_LOOK_MS : LOOK_MS };
  }

  /** A pool that cannot be read keeps its ports, and stops no other. */
  #leaving(pool: SpiderIPPool | undefined, ports: readonly PoolPort[]): LeavingPorts {
    if (pool === undefined) return { isTold: false, surplus: ports.map(({ id }) => id) };
    try {
      return leavingPorts(PoolLedger.read(pool), pool, ports);
    } catch (error) {
      if (!isOrbError(error)) throw error;
      const fields = { pool: pool.metadata.name, error: errorText(error) };
      this.#options.log.warn(fields, 'a pool that is not Neutron’s any more keeps its ports');
      return { isTold: false, surplus: [] };
    }
  }

  /** Deletes ports until the pool asks for Neutron again. How many there were. */
  async #giveUp(
    pool: SpiderIPPool | undefined,
    surplus: readonly string[],
    state: AddressState,
    signal: AbortSignal,
  ): Promise<number> {
    const isAskedAgain = () => {
      const now = pool === undefined ? undefined : state.pools.get(keyOf(pool));
      return now !== undefined && isOfNeutron(now);
    };
    const deleted = await this.#delete(surplus, signal, () => !isAskedAgain());
    if (pool !== undefined && isAskedAgain()) {
      // Its look may have shown ports that were just deleted.
      this.#looks.delete(pool.metadata.uid ?? '');
      this.#changed(keyOf(pool));
    }
    return deleted;
  }

  async #serve(
    pool: SpiderIPPool,
    signal: AbortSignal,
  ): Promise<{ readonly actions: Action[]; readonly isWhole: boolean }> {
    const { uid = '', name = '' } = pool.metadata;
    const said = (message: string) => ({ actions: [warning(pool, message)], isWhole: true });
    const ledger = PoolLedger.read(pool);
    const { addresses, family, provision } = ledger.pool;
    const { held } = ledger;
    if (addresses.count > MOST_POOL_PORTS)
      return said(
        `it has ${addresses.count} addresses: Neutron reserves at most ${MOST_POOL_PORTS} of a pool`,
      );
    const subnet = await this.#subnetOf(pool, ledger.pool.subnet, signal);
    if (typeof subnet === 'string') return said(subnet);
    const owner = { name, uid, cluster: await this.#clusterUid(signal) };
    const told = provision?.ready ?? AddressSet.empty(family);
    const ports = await this.#look(owner, told, signal);
    const { missing, reserved, surplus } = poolPortStep(addresses, { subnet: subnet.id, held, told }, ports);
    await this.#delete(surplus, signal);
    const refusals = this.#refused.of(pool).filter(({ address }) => missing.contains(address));
    const untried = missing.difference(addressesIn(family, refusals));
    const isClosing = pool.metadata.deletionTimestamp !== undefined;
    const now = isClosing ? [] : listed(untried, MOST_AT_ONCE);
    const { made, refused } = await this.#ports.make(owner, subnet, now, { signal });
    if (made.length > 0)
      this.#options.log.info({ pool: name, ports: made.length }, 'Neutron reserves addresses');
    const all = [...refusals, ...refused];
    if (refused.length > 0) {
      this.#options.log.warn({ pool: name, addresses: refused.length }, refusalText(refused));
      this.#refused.remember(pool, all);
    }
    const ready = reserved.union(addressesOf(family, made));
    const ipMetaData = ipMetaDataOf(addresses, ready, pool.metadata.generation);
    return {
      actions: [
        ...statusActions(resources.spiderIPPools, pool, { ipMetaData }),
        ...(all.length > 0 ? [warning(pool, refusalText(all))] : []),
      ],
      isWhole: isClosing || untried.count <= BigInt(now.length),
    };
  }

  /** A port that was there before is gone if two looks do not show it. */
  async #look(owner: { name: string; uid: string; cluster: string }, told: AddressSet, signal: AbortSignal) {
    const first = await this.#ports.of(owner, { signal });
    if (told.difference(addressesOf(told.family, first)).isEmpty) return first;
    await this.#options.clock.sleep(SECOND_LOOK_MS, signal);
    return await this.#ports.of(owner, { signal });
  }

  /** The subnet of Neutron that is the network of the pool. A text says why there is none. */
  async #subnetOf(pool: SpiderIPPool, wanted: Cidr, signal: AbortSignal): Promise<Subnet | string> {
    const networkId = networkOfPool(pool);
    if (networkId === undefined) {
      const text = pool.metadata.annotations?.[NETWORK_ANNOTATION];
      return text === undefined
        ? `the annotation ${NETWORK_ANNOTATION} is missing: name the network of Neutron that has its addresses`
        : `the annotation ${NETWORK_ANNOTATION} ${JSON.stringify(text)} is not the id of a network`;
    }
    const subnets = await this.#options.neutron.subnets(networkId, { signal });
    const found = subnets.find(({ cidr }) => sameCidr(parseCidr(cidr), wanted));
    return (
      found ??
      `network ${networkId} has no subnet ${formatCidr(wanted)} that the login sees: it has ${subnets.map(({ cidr }) => cidr).join(', ') || 'none'}`
    );
  }

  /** Resolves to the number of ports that are gone. The next look tries the others again. */
  async #delete(ids: readonly string[], signal: AbortSignal, wanted?: () => boolean): Promise<number> {
    if (ids.length === 0) return 0;
    const { deleted, errors } = await this.#ports.delete(ids, { signal, wanted });
    const { log } = this.#options;
    if (deleted > 0) log.info({ ports: deleted }, 'Neutron reserves addresses no more');
    const [first] = errors;
    if (first !== undefined)
      log.warn(
        { ports: errors.length, error: errorText(first) },
        'Neutron does not delete ports; they are tried again',
      );
    return deleted;
  }

  /** That of the namespace kube-system. */
  async #clusterUid(signal: AbortSignal): Promise<string> {
    const read = () => this.#options.client.get(resources.namespaces, { name: 'kube-system' }, { signal });
    this.#cluster ??= (await read()).metadata.uid ?? '';
    return this.#cluster;
  }
}

/** All that a plan depends on, but for what pods hold. */
function askedOf({ metadata, status }: SpiderIPPool): string {
  const { generation, deletionTimestamp, annotations } = metadata;
  const network = annotations?.[NETWORK_ANNOTATION];
  return JSON.stringify([generation, deletionTimestamp, network, status?.ipMetaData?.metadata]);
}

function warning(object: SpiderIPPool, message: string): Action {
  const note = { type: 'Warning', reason: 'AddressesUnready', message } as const;
  return { verb: 'event', type: resources.spiderIPPools, object, note };
}
