// Does what the plan of an application's pools asks for, until it asks for nothing: agents and the controller, at any
// time and beside each other.

import { resources, type SpiderIPPool, type SpiderSubnet } from '#api';
import { BackOff, type Clock, isOrbError, type Logger } from '#base';
import { type KubeClient, refOf } from '#kube';
import type { ReservedAddresses } from '#plan/ipam';
import {
  type ApplicationFacts,
  type ApplicationPlan,
  PoolIndex,
  type PoolWrite,
  planApplicationPools,
  planSubnet,
  SubnetLedger,
} from '#plan/subnet';
import type { NewestPools } from './newest-pools.ts';
import { type CarvingQuestion, SharedSettling, type Unsettled } from './shared-settling.ts';

export interface CarverOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pools: NewestPools;
  readonly reserved: () => ReservedAddresses;
  readonly families: ApplicationFacts['families'];
}

/** The waits after writes that others were faster with. */
const conflictBackOff = { firstMs: 4, maximumMs: 250 };

/** An object has changed since it was read, or has come or gone. Reading it again helps. */
const outdated = ['KUBE_CONFLICT', 'KUBE_ALREADY_EXISTS', 'KUBE_NOT_FOUND'] as const;

export class Carver {
  readonly #options: CarverOptions;
  readonly #settling = new SharedSettling((key, unsettled, signal) =>
    this.#settleAll(key, unsettled, signal),
  );

  constructor(options: CarverOptions) {
    this.#options = options;
  }

  /** What would be done, by the given subnets. Nothing is asked of the server. */
  look(question: CarvingQuestion, subnets: Iterable<SpiderSubnet>): ApplicationPlan {
    return this.#plan(question, new Map(Array.from(subnets).flatMap((subnet) => this.#ledger(subnet))));
  }

  #plan(question: CarvingQuestion, ledgers: ApplicationPlan['ledgers']): ApplicationPlan {
    const { pools, reserved, families } = this.#options;
    return planApplicationPools({ ...question, ledgers, pools: pools.index, reserved: reserved(), families });
  }

  /**
   * Plans and writes until nothing is left to do for the application. Each write has the version that the plan saw, so a
   * conflict means that the object is read again and the plan is made again. Applications that need the same subnets at the
   * same time share the writes of these.
   * @throws OrbError what the API server refuses for other reasons
   */
  settle(question: CarvingQuestion, signal: AbortSignal): Promise<ApplicationPlan> {
    const names = new Set(question.living?.request?.wishes.map(({ subnet }) => subnet));
    return this.#settling.settle(JSON.stringify([...names].toSorted()), question, signal);
  }

  async #settleAll(key: string, unsettled: ReadonlySet<Unsettled>, signal: AbortSignal): Promise<void> {
    const backOff = new BackOff(conflictBackOff);
    const subnets = new Map<string, SpiderSubnet>();
    const read = (name: string) => this.#readSubnet(name, subnets, signal);
    await Promise.all((JSON.parse(key) as string[]).map(read));
    while (unsettled.size > 0) {
      signal.throwIfAborted();
      const { ledgers, writes } = this.#planTogether(unsettled, subnets);
      if (ledgers.length + writes.length === 0) {
        const isRepaired = await this.#repairSeen(subnets, signal);
        for (const { question, settle } of [...unsettled])
          if (!isRepaired) settle(this.look(question, subnets.values()));
        continue;
      }
      const isCurrent = await Promise.all([
        ...ledgers.map((ledger) => this.#book(ledger, subnets, read, signal)),
        ...writes.map(({ write, of }) => this.#writeFor(of, write, signal)),
      ]);
      if (isCurrent.every(Boolean)) backOff.reset();
      else await this.#options.clock.sleep(backOff.next(), signal);
    }
  }

  /**
   * What is left to do for all of them: each plan begins with the bookings of the one before. Who needs nothing more is
   * settled, so that nobody waits for those who came later.
   */
  #planTogether(unsettled: ReadonlySet<Unsettled>, subnets: ReadonlyMap<string, SpiderSubnet>) {
    const stored = new Map(Array.from(subnets.values()).flatMap((subnet) => this.#ledger(subnet)));
    let ledgers: ApplicationPlan['ledgers'] = stored;
    const writes: { readonly write: PoolWrite; readonly of: Unsettled }[] = [];
    const isUnchanged = ({ ledgers: now, writes: more }: ApplicationPlan) =>
      more.length === 0 && [...now.values()].every((ledger) => ledger.change() === undefined);
    const areBookingsRight = !this.#needsRepair(stored);
    for (const one of [...unsettled]) {
      const alone = this.#plan(one.question, stored);
      if (isUnchanged(alone)) {
        if (areBookingsRight) one.settle(alone);
        continue;
      }
      const plan = this.#plan(one.question, ledgers);
      ({ ledgers } = plan);
      writes.push(...plan.writes.map((write) => ({ write, of: one })));
    }
    return { ledgers: [...ledgers.values()].filter((ledger) => ledger.change() !== undefined), writes };
  }

  /** A refusal ends the wait of the application that it concerns, and of no other one. */
  async #writeFor({ fail }: Unsettled, write: PoolWrite, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#write(write, signal);
    } catch (error) {
      fail(error);
      return true;
    }
  }

  /**
   * Removes bookings of pools that are gone, and adds those of pools that have none. The subnet is read before the pools,
   * as `planSubnet` asks for. Returns the new state, or undefined if nothing was to do.
   */
  async repair(name: string, signal: AbortSignal): Promise<SpiderSubnet | undefined> {
    const { client, clock } = this.#options;
    const backOff = new BackOff(conflictBackOff);
    for (;;) {
      const subnets = new Map<string, SpiderSubnet>();
      await this.#readSubnet(name, subnets, signal);
      const [[, ledger] = []] = Array.from(subnets.values()).flatMap((subnet) => this.#ledger(subnet));
      if (ledger === undefined) return undefined;
      const { items } = await client.list(resources.spiderIPPools, {}, { signal });
      const repaired = planSubnet(ledger, new PoolIndex(items));
      if (repaired.change() === undefined) return undefined;
      if (await this.#book(repaired, subnets, async () => {}, signal)) return subnets.get(name);
      await clock.sleep(backOff.next(), signal);
    }
  }

  /** Repairs the subnets of which the known pools say that they need it. Returns whether anything was written. */
  async #repairSeen(subnets: Map<string, SpiderSubnet>, signal: AbortSignal): Promise<boolean> {
    const ledgers = Array.from(subnets.values()).flatMap((subnet) => this.#ledger(subnet));
    const seen = ledgers.filter((ledger) => this.#needsRepair(new Map([ledger])));
    const repaired = await Promise.all(seen.map(([name]) => this.repair(name, signal)));
    for (const subnet of repaired) if (subnet !== undefined) subnets.set(subnet.metadata.name ?? '', subnet);
    return repaired.some((subnet) => subnet !== undefined);
  }

  #needsRepair(ledgers: ReadonlyMap<string, SubnetLedger>): boolean {
    const { index } = this.#options.pools;
    return [...ledgers.values()].some((ledger) => planSubnet(ledger, index).change() !== undefined);
  }

  /** False if the subnet has changed since. Then it is read again. */
  async #book(
    ledger: SubnetLedger,
    subnets: Map<string, SpiderSubnet>,
    read: (name: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const object = { ...ledger.object, status: ledger.change() };
    return this.#current(
      async () => {
        const stored = await this.#options.client.updateStatus(resources.spiderSubnets, object, { signal });
        subnets.set(ledger.name, stored);
      },
      () => read(ledger.name),
    );
  }

  /** False if the pool has changed since. Then it is read again. */
  async #write({ verb, pool }: PoolWrite, signal: AbortSignal): Promise<boolean> {
    const { client, pools } = this.#options;
    const type = resources.spiderIPPools;
    const write = async (): Promise<SpiderIPPool | undefined> => {
      if (verb === 'create') return await client.create(type, pool, { signal });
      if (verb === 'update') return await client.update(type, pool, { signal });
      if (verb === 'updateStatus') return await client.updateStatus(type, pool, { signal });
      const { uid, resourceVersion } = pool.metadata;
      const preconditions = {
        ...(uid !== undefined && { uid }),
        ...(resourceVersion !== undefined && { resourceVersion }),
      };
      await client.delete(type, refOf(pool), preconditions, { signal });
      return undefined;
    };
    const reread = () => this.#readPool(pool, signal);
    return this.#current(async () => {
      const stored = await write();
      // A pool without a finalizer left is gone with its update.
      if (stored === undefined || stored.metadata.deletionTimestamp !== undefined) await reread();
      else pools.show(stored);
    }, reread);
  }

  async #readPool(pool: SpiderIPPool, signal: AbortSignal): Promise<void> {
    const { client, pools } = this.#options;
    try {
      pools.show(await client.get(resources.spiderIPPools, refOf(pool), { signal }));
    } catch (error) {
      if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
      pools.gone(pool);
    }
  }

  async #readSubnet(name: string, subnets: Map<string, SpiderSubnet>, signal: AbortSignal): Promise<void> {
    try {
      subnets.set(name, await this.#options.client.get(resources.spiderSubnets, { name }, { signal }));
    } catch (error) {
      if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
      subnets.delete(name);
    }
  }

  async #current(write: () => Promise<void>, reread: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      if (!isOrbError(error) || !outdated.some((code) => error.code === code)) throw error;
      this.#options.log.debug({ error: error.message }, 'an object has changed: the plan is made again');
      await reread();
      return false;
    }
  }

  /** A subnet that cannot be read is left out. Its condition says why. */
  #ledger(subnet: SpiderSubnet): [string, SubnetLedger][] {
    try {
      return [[subnet.metadata.name ?? '', SubnetLedger.read(subnet)]];
    } catch (error) {
      if (!isOrbError(error, 'SUBNET_INVALID')) throw error;
      this.#options.log.warn(
        { subnet: subnet.metadata.name, error: error.message },
        'no pool is made from this subnet',
      );
      return [];
    }
  }
}
