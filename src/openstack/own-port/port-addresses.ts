// Addresses of pods in Neutron: taken and given back, never shared, lost or stolen. Some are kept ready, so that a pod waits
// for no server. How they come to be ours, the keeper knows.

import { errorText, isOrbError, OrbError } from '#base';
import {
  addressOf,
  assign,
  hasRested,
  isReady,
  type OwnAddress,
  type PortLedger,
  release,
  rested,
  toFetch,
  trimmed,
  type Wanted,
  type WarmLimits,
} from '#plan/openstack';
import { isScarce } from '../refusal.ts';
import type { AddressKeeper, KeeperParts, LedgerChange } from './address-keeper.ts';

export interface PortAddressesParts extends KeeperParts {
  readonly keeper: AddressKeeper;
  readonly warm: WarmLimits;
}

interface Wish {
  readonly owner: string;
  readonly wanted: Wanted;
  /** Whoever has stopped waiting gets nothing: nobody would give it back. */
  readonly signal: AbortSignal | undefined;
  readonly done: (address: string) => void;
  readonly failed: (error: unknown) => void;
}

/** What the ledger has for pods. */
export interface Stock {
  readonly ready: number;
  /** One for each address. */
  readonly owners: readonly string[];
}

/** How long the ledger is believed to agree with the cloud. */
const AGREES_MS = 300_000;

export class PortAddresses {
  readonly #parts: PortAddressesParts;
  /** On the clock that never jumps. Undefined: not since this process started, so nobody is served. */
  #reconciledAtMs: number | undefined;
  #wishes: Wish[] = [];
  #isServing = false;
  /** What no ready address was left for. */
  #unmet: Wish[] = [];
  #isFetching = false;

  constructor(parts: PortAddressesParts) {
    this.#parts = parts;
  }

  /** Makes the ledger agree with the cloud. Nobody is served before. Throws the errors of Neutron. */
  async reconcile(): Promise<void> {
    await this.#parts.file.locked(() => this.#reconcile());
  }

  /**
   * An address of the subnet for an owner, the same one each time. It is ours, and on disk, when this resolves. Throws
   * OPENSTACK_SUBNET_FULL and the other errors of Neutron, ADDRESS_REQUEST_TAKEN, and the signal's reason if it has got none
   * before.
   */
  take(
    owner: string,
    subnetId: string,
    {
      groups = null,
      address = null,
      signal,
    }: Partial<Omit<Wanted, 'subnetId'>> & { readonly signal?: AbortSignal } = {},
  ): Promise<string> {
    return new Promise((done, failed) => {
      this.#wishes.push({ owner, wanted: { subnetId, groups, address }, signal, done, failed });
      if (!this.#isServing) void this.#serveAll();
    });
  }

  /**
   * The owners give back what they have. It rests, so that neighbours forget it, and is then ready for others. No server
   * is asked. {@link tend} does the rest.
   */
  async release(
    isReleased: (own: OwnAddress & { readonly owner: string }) => boolean,
    restMs: number,
  ): Promise<void> {
    const until = this.#parts.clock.now() + restMs;
    await this.#parts.file.update((ledger) => release(ledger, isReleased, until));
  }

  /** Whether the owner has any address, by the ledger. */
  async hasSome(owner: string): Promise<boolean> {
    return (await this.#parts.file.read()).addresses.some((own) => own.owner === owner);
  }

  /** How many of the next pods can have an address of each of these subnets, and who has any. */
  async stock(subnetIds: readonly string[]): Promise<Stock> {
    const { addresses } = await this.#parts.file.read();
    const counts = subnetIds.map(
      (id) => addresses.filter((own) => own.subnetId === id && isReady(own)).length,
    );
    return { ready: Math.min(...counts), owners: addresses.flatMap(({ owner }) => owner ?? []) };
  }

  /** Whether the owner has this address, by the ledger and by the cloud. Throws the errors of Neutron. */
  async holds(owner: string, address: string): Promise<boolean> {
    const { addresses } = await this.#parts.file.read();
    const held = addresses.find((own) => own.owner === owner && own.address === address);
    return held !== undefined && (await this.#parts.keeper.has(held));
  }

  /**
   * Ends rests, takes off what is too much, and fetches what is missing in these subnets. A subnet that fails stops no
   * other; the first error is thrown at the end. `restsEndMs` is when the next rest ends, in milliseconds since 1970.
   */
  async tend(subnetIds: readonly string[]): Promise<{ readonly restsEndMs: number | undefined }> {
    const { file, clock, keeper } = this.#parts;
    return await file.locked(async () => {
      const isOld = clock.monotonic() - (this.#reconciledAtMs ?? Number.NEGATIVE_INFINITY) > AGREES_MS;
      if (isOld) await this.#reconcile();
      else await keeper.settled();
      await this.#endRests();
      const { addresses } = await file.update((ledger) => trimmed(ledger, this.#parts.warm));
      if (addresses.some((own) => own.leaving)) await keeper.takeOff();
      await this.#fetchAll(subnetIds);
      const ends = (await file.read()).addresses.flatMap(({ restsUntilMs }) => restsUntilMs ?? []);
      return { restsEndMs: ends.length === 0 ? undefined : Math.min(...ends) };
    });
  }

  async #reconcile(): Promise<void> {
    await this.#parts.keeper.reconcile();
    this.#reconciledAtMs = this.#parts.clock.monotonic();
  }

  async #endRests(): Promise<void> {
    const { file, clock } = this.#parts;
    const nowMs = clock.now();
    const { addresses } = await file.read();
    const over = addresses.filter((own) => hasRested(own, nowMs));
    if (over.length === 0) return;
    await this.#parts.keeper.freeFloating(over);
    await file.update((ledger) => rested(ledger, nowMs));
  }

  async #fetchAll(subnetIds: readonly string[]): Promise<void> {
    const errors: unknown[] = [];
    for (const subnetId of subnetIds) {
      const count = toFetch(await this.#parts.file.read(), subnetId, this.#parts.warm);
      const wanted = { subnetId, groups: null, address: null };
      if (count > 0) await this.#addSome(wanted, count).catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }

  /** One write gives all or none. Where there are not so many, half of them, or half of that. */
  async #addSome(wanted: Wanted, count: number, then?: LedgerChange): Promise<void> {
    const { keeper } = this.#parts;
    try {
      await keeper.add(wanted, count, then);
    } catch (error) {
      if (!isScarce(error) || !keeper.addsInOneWrite || count === 1) throw error;
      await this.#addSome(wanted, Math.floor(count / 2), then);
    }
  }

  /** Never rejects: errors go to the wishes. What is ready needs no server, and waits for no write of the port. */
  async #serveAll(): Promise<void> {
    this.#isServing = true;
    // Wishes of the same turn of the event loop are one batch.
    await Promise.resolve();
    while (this.#wishes.length > 0) {
      const batch = this.#wishes.splice(0);
      try {
        if (this.#reconciledAtMs === undefined) await this.reconcile();
        this.#unmet.push(...(await this.#giveReady(batch)));
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
      if (this.#unmet.length > 0 && !this.#isFetching) void this.#fetchForAll();
    }
    this.#isServing = false;
  }

  /** The wishes that nothing is ready for. Those that nobody waits for are failed. */
  async #giveReady(wishes: readonly Wish[]): Promise<Wish[]> {
    const ledger = await this.#parts.file.update((before) => withOwners(before, wishes));
    return wishes.filter(({ owner, wanted, signal, done, failed }) => {
      const address = addressOf(ledger, owner, wanted.subnetId);
      if (address !== undefined) done(address);
      else if (signal?.aborted === true) failed(signal.reason);
      else return true;
      return false;
    });
  }

  /** Never rejects. One batch at a time: what comes meanwhile is the next. */
  async #fetchForAll(): Promise<void> {
    this.#isFetching = true;
    while (this.#unmet.length > 0) {
      const batch = this.#unmet.splice(0);
      try {
        await this.#parts.file.locked(() => this.#fetchFor(batch));
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#isFetching = false;
  }

  async #fetchFor(batch: readonly Wish[]): Promise<void> {
    for (const { wanted, of: wishes } of alike(batch)) {
      let left = wishes;
      try {
        // Whose write is open may get an address by it.
        await this.#parts.keeper.settled();
        left = await this.#giveReady(left);
        while (left.length > 0) {
          if (wanted.address !== null) await this.#addRequested(wanted, wanted.address, left);
          else await this.#add(wanted, left);
          const without = await this.#giveReady(left);
          if (without.length === left.length) throw nothingFor(wanted);
          left = without;
        }
      } catch (error) {
        // A full subnet fails its own wishes alone, and of these the ones that it had nothing for.
        for (const { failed } of await this.#giveReady(left)) failed(error);
      }
    }
  }

  /** Where it is one write, also those that are kept ready. Where there are not so many, those that are needed. */
  async #add(wanted: Wanted, wishes: readonly Wish[]): Promise<void> {
    const { warm, log, keeper } = this.#parts;
    const count = new Set(wishes.map(({ owner }) => owner)).size;
    const give = (ledger: PortLedger) => withOwners(ledger, wishes);
    if (keeper.addsInOneWrite && warm.high > 0 && wanted.groups === null) {
      try {
        await keeper.add(wanted, count + warm.high, give);
        return;
      } catch (error) {
        if (!isScarce(error)) throw error;
        log.debug({ subnet: wanted.subnetId }, errorText(error));
      }
    }
    await this.#addSome(wanted, count, give);
  }

  /** An address that Neutron does not choose. Throws ADDRESS_REQUEST_TAKEN. */
  async #addRequested(wanted: Wanted, address: string, wishes: readonly Wish[]): Promise<void> {
    const { file, keeper } = this.#parts;
    const own = (await file.read()).addresses.find((one) => one.address === address);
    if (own?.owner === null) throw taken(address, 'was of another pod a moment ago, and nobody gets it yet');
    if (own !== undefined) throw taken(address, 'is of another pod');
    const give = (ledger: PortLedger) => withOwners(ledger, wishes);
    await keeper.add(wanted, 1, give).catch((error: unknown) => {
      throw isOrbError(error, 'OPENSTACK_CONFLICT') ? taken(address, 'is of another port', error) : error;
    });
  }
}

/** The ledger in which the wishes have what is ready. */
function withOwners(ledger: PortLedger, wishes: readonly Wish[]): PortLedger {
  let after = ledger;
  for (const { wanted, of } of alike(wishes)) {
    const waiting = of.filter(({ signal }) => signal?.aborted !== true);
    const owners = waiting.map(({ owner }) => owner);
    after = assign(after, owners, wanted);
  }
  return after;
}

/** The wishes that any one address can serve. */
function alike(wishes: readonly Wish[]): { readonly wanted: Wanted; readonly of: readonly Wish[] }[] {
  const groups = Map.groupBy(wishes, ({ wanted: { subnetId, groups, address } }) =>
    JSON.stringify([subnetId, groups, address]),
  );
  return [...groups.values()].flatMap((of) => (of[0] === undefined ? [] : { wanted: of[0].wanted, of }));
}

const taken = (address: string, why: string, cause?: unknown): OrbError =>
  new OrbError('ADDRESS_REQUEST_TAKEN', { message: `address ${address} ${why}`, subject: address, cause });

function nothingFor({ subnetId, address }: Wanted): OrbError {
  if (address !== null) return taken(address, 'is of another pod');
  const message = `Neutron accepted a new address of subnet ${subnetId}, and added none`;
  return new OrbError('OPENSTACK_REFUSED', { message, subject: subnetId });
}
