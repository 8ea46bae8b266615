// The pools as this node's agent knows them. Each pool gets a writer when it is first needed.

import type { PoolAllocation } from '#api';
import { type Clock, isOrbError, type Logger } from '#base';
import type { IaasProvider } from '#iaas';
import type { Address, Family } from '#ip';
import type { KubeClient } from '#kube';
import { type BoundAddress, boundBy } from '#plan/iaas';
import {
  type AddressOwner,
  type Assignment,
  claimOfRecord,
  type LeftAddress,
  type PickContext,
  type PoolLedger,
  type PoolOperation,
  type PoolOutcome,
  pickAddress,
  type Release,
} from '#plan/ipam';
import { KeptBack, type LeaderLink, PoolClient, PoolCopy } from '#pools';
import type { ClusterView } from '../cluster-view.ts';
import type { IpamMetrics } from './metrics.ts';

export interface NodePoolsOptions {
  readonly iaas: Pick<IaasProvider, 'isThere' | 'bind' | 'release'>;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: IpamMetrics;
  readonly view: ClusterView;
  /** The leading controller, which writes pools for all agents. Undefined if this agent always writes by itself. */
  readonly leader?: LeaderLink | undefined;
  /** How long a released address is kept back while its pool has others. */
  readonly addressRestMs: number;
}

/** A DEL has not much time. The provider need not have finished before it answers. */
const UNBIND_PATIENCE_MS = 5_000;

export class NodePools {
  readonly #options: NodePoolsOptions;
  readonly #keptBack: KeptBack;
  readonly #writers = new Map<string, PoolClient>();

  constructor(options: NodePoolsOptions) {
    this.#options = options;
    this.#keptBack = new KeptBack(options.clock, options.addressRestMs);
    // This also frees the pool's records, which are large. Requests in progress end by themselves: the server answers
    // that the pool is gone.
    options.view.onPoolDeleted = (name) => this.#writers.delete(name);
  }

  /** The newest known records. Throws if the pool is gone or cannot be read. */
  ledger(name: string): PoolLedger {
    return this.#writer(name).ledger;
  }

  /** Whether the pool may have a record for the owner. Its records are not read for the answer. */
  mayHold(name: string, { pod, podUid, fixed }: AddressOwner): boolean {
    const writer = this.#writer(name);
    return writer.mayName(podUid) || (fixed === true && writer.mayName(`"${pod}"`));
  }

  /** Performs the operation with the pool's next write: see {@link PoolClient.submit}. */
  submit(name: string, operation: PoolOperation, signal: AbortSignal): Promise<PoolOutcome> {
    return this.#writer(name).submit(operation, signal);
  }

  /**
   * First the provider of an IaaS lets go of what it may have bound, then the pool. If the provider does not, the pool
   * keeps the address. Succeeds if the pool is gone, because everything it held is gone too.
   */
  async release(name: string, release: Release, signal: AbortSignal): Promise<void> {
    try {
      const ledger = await this.#writer(name).certainLedger();
      await Promise.all(boundBy(ledger, release).map((bound) => this.#unbind(bound, signal)));
    } catch (error) {
      if (!isPoolGone(error)) throw error;
    }
    await this.free(name, release, signal);
  }

  #unbind(bound: BoundAddress, signal: AbortSignal): Promise<void> {
    return this.#options.iaas.release(bound, signal, UNBIND_PATIENCE_MS);
  }

  /** As {@link NodePools.release}, and the provider is not told. */
  async free(name: string, release: Release, signal: AbortSignal): Promise<void> {
    try {
      await this.submit(name, { verb: 'release', release }, signal);
    } catch (error) {
      if (!isPoolGone(error)) throw error;
    }
  }

  /** For a while, no pod on this node gets these addresses. */
  quarantine(addresses: readonly Address[]): void {
    this.#keptBack.quarantine(addresses);
  }

  /** Readable pools that hold something for the pod. */
  holding(podUid: string): string[] {
    return this.#naming(podUid, (ledger) => ledger.addressesOf(podUid).length > 0);
  }

  /** The address that an earlier pod of the owner's name left for the owner's NIC. */
  leftTo(owner: AddressOwner, family: Family): LeftAddress | undefined {
    const left = (ledger: PoolLedger) =>
      ledger.pool.family === family ? ledger.addressLeftTo(owner) : undefined;
    const [pool] = this.#leaving(owner.pod, (ledger) => left(ledger) !== undefined);
    const address = pool === undefined ? undefined : left(this.#newest(pool));
    return pool === undefined || address === undefined ? undefined : { pool, address };
  }

  /** What earlier pods of this name hold, by pool. */
  leftBy(pod: string, podUid: string): { readonly pool: string; readonly record: PoolAllocation }[] {
    const left = (ledger: PoolLedger) =>
      [...ledger.records.values()].filter((record) => record.pod === pod && record.podUid !== podUid);
    return this.#leaving(pod, (ledger) => left(ledger).length > 0).flatMap((pool) =>
      left(this.#newest(pool)).map((record) => ({ pool, record })),
    );
  }

  /** In whose name the pod holds its addresses that no IPAMClaim keeps. Undefined if it holds none. */
  holderOf(podUid: string): string | undefined {
    const [first] = this.holding(podUid).flatMap((name) => {
      const ledger = this.ledger(name);
      const names = ledger.addressesOf(podUid).map(({ address }) => ledger.holderOf(address)?.pod ?? '');
      return names.filter((pod) => pod !== '' && claimOfRecord(pod) === undefined);
    });
    return first;
  }

  /** Pools with records of a pod of this name. Another node may have written them a moment ago. */
  #leaving(pod: string, fits: (ledger: PoolLedger) => boolean): string[] {
    return this.#naming(`"${pod}"`, fits, (pool) => this.#newest(pool));
  }

  #newest(pool: string): PoolLedger {
    return this.#writer(pool).newestLedger;
  }

  /** Readable pools that may have the text in their records, and that fit. */
  #naming(
    text: string,
    fits: (ledger: PoolLedger) => boolean,
    ledgerOf = (pool: string) => this.ledger(pool),
  ): string[] {
    const isUnused = (name: string) => !this.#writers.has(name);
    const used = [...this.#writers].flatMap(([name, writer]) => (writer.mayName(text) ? [name] : []));
    const names = [...used, ...this.#options.view.poolsNaming(text, isUnused)];
    return names.filter((name) => {
      try {
        return fits(ledgerOf(name));
      } catch (error) {
        if (!isOrbError(error)) throw error;
        return false;
      }
    });
  }

  /** The pool of the NIC's address of this family, if the NIC holds one. */
  holdingNic(podUid: string, nic: string, family: Family): string | undefined {
    return this.holding(podUid).find((name) => {
      const ledger = this.ledger(name);
      return ledger.pool.family === family && ledger.addressOf({ podUid, nic }) !== undefined;
    });
  }

  /** Whether the owner holds an address of the pool, or can get one now. */
  hasAddressFor(owner: AddressOwner, pool: string | undefined): boolean {
    try {
      return pool !== undefined && pickAddress(this.ledger(pool), owner, this.context).address !== undefined;
    } catch (error) {
      if (!isOrbError(error)) throw error;
      return false;
    }
  }

  /** Everything that the pod holds. */
  assignments(podUid: string): Assignment[] {
    return this.holding(podUid).flatMap((name) => {
      const ledger = this.ledger(name);
      const { pool } = ledger;
      return ledger.addressesOf(podUid).map(({ address, nic = '' }) => {
        return { nic, family: address.family, pool, address, held: true, cleanGateway: false };
      });
    });
  }

  /** Pools whose last write had an unknown outcome. Such a write may have recorded any pod. */
  doubtful(): string[] {
    return [...this.#writers].flatMap(([name, { doubtful }]) => (doubtful ? [name] : []));
  }

  /** What picking an address needs to know now. Throws if the reserved addresses cannot be read. */
  get context(): PickContext {
    return { reserved: this.#options.view.reserved, ...this.#keptBack.context };
  }

  #writer(name: string): PoolClient {
    const known = this.#writers.get(name);
    if (known !== undefined) return known;
    const { client, clock, log, metrics, view, leader } = this.#options;
    const copy = new PoolCopy(
      name,
      client,
      () => view.pool(name),
      (before, after) => this.#keptBack.note(before, after),
      clock,
    );
    const writer = new PoolClient({ copy, clock, log, metrics, context: () => this.context, leader });
    this.#writers.set(name, writer);
    return writer;
  }
}

/** Whether a pool was refused because it does not exist any more. */
export function isPoolGone(error: unknown): boolean {
  return isOrbError(error, 'IPPOOL_NOT_FOUND');
}
