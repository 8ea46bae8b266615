// Addresses of pods on the port of this node's VM: taken and given back, never shared, lost or stolen. Some are kept ready,
// so that a pod waits for no server.

import { errorText, isOrbError, OrbError } from '#base';
import {
  addressOf,
  assign,
  hasRested,
  isReady,
  type OwnAddress,
  release,
  rested,
  toFetch,
  trimmed,
  type WarmLimits,
} from '#plan/openstack';
import { PortWriter, type PortWriterParts } from './port-writer.ts';

export interface PortAddressesParts extends PortWriterParts {
  readonly warm: WarmLimits;
}

interface Wish {
  readonly owner: string;
  readonly subnetId: string;
  readonly done: (address: string) => void;
  readonly failed: (error: unknown) => void;
}

/** How long the ledger is believed to agree with the port. */
const AGREES_MS = 300_000;

export class PortAddresses {
  readonly #parts: PortAddressesParts;
  readonly #writer: PortWriter;
  /** On the clock that never jumps. Undefined: not since this process started, so nobody is served. */
  #reconciledAtMs: number | undefined;
  #wishes: Wish[] = [];
  #isServing = false;
  /** What no ready address was left for. */
  #unmet: Wish[] = [];
  #isFetching = false;

  constructor(parts: PortAddressesParts) {
    this.#parts = parts;
    this.#writer = new PortWriter(parts);
  }

  /** Makes the ledger agree with the port. Nobody is served before. Throws the errors of Neutron. */
  async reconcile(): Promise<void> {
    await this.#parts.file.locked(() => this.#reconcile());
  }

  /**
   * An address of the subnet for an owner, the same one each time. It is on the port, and on disk, when this resolves.
   * Throws OPENSTACK_SUBNET_FULL and the other errors of Neutron.
   */
  take(owner: string, subnetId: string): Promise<string> {
    return new Promise((done, failed) => {
      this.#wishes.push({ owner, subnetId, done, failed });
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

  /** Whether each of these subnets has an address for the next pod. */
  async areReady(subnetIds: readonly string[]): Promise<boolean> {
    const { addresses } = await this.#parts.file.read();
    return subnetIds.every((id) => addresses.some((own) => own.subnetId === id && isReady(own)));
  }

  /** Whether the owner has this address, by the ledger and by the port. Throws the errors of Neutron. */
  async holds(owner: string, address: string): Promise<boolean> {
    const { addresses } = await this.#parts.file.read();
    if (!addresses.some((own) => own.owner === owner && own.address === address)) return false;
    const port = await this.#writer.readPort();
    return port.fixed_ips.some((one) => one.ip_address === address);
  }

  /**
   * Ends rests, takes off what is too much, and fetches what is missing in these subnets. A subnet that fails stops no
   * other; the first error is thrown at the end. `restsEndMs` is when the next rest ends, in milliseconds since 1970.
   */
  async tend(subnetIds: readonly string[]): Promise<{ readonly restsEndMs: number | undefined }> {
    const { file, clock } = this.#parts;
    return await file.locked(async () => {
      const isOld = clock.monotonic() - (this.#reconciledAtMs ?? Number.NEGATIVE_INFINITY) > AGREES_MS;
      if (isOld) await this.#reconcile();
      else await this.#writer.settled();
      await this.#endRests();
      const { addresses } = await file.update((ledger) => trimmed(ledger, this.#parts.warm));
      if (addresses.some((own) => own.leaving)) await this.#writer.takeOff();
      await this.#fetchAll(subnetIds);
      const ends = (await file.read()).addresses.flatMap(({ restsUntilMs }) => restsUntilMs ?? []);
      return { restsEndMs: ends.length === 0 ? undefined : Math.min(...ends) };
    });
  }

  async #reconcile(): Promise<void> {
    await this.#writer.reconcile();
    this.#reconciledAtMs = this.#parts.clock.monotonic();
  }

  async #endRests(): Promise<void> {
    const { file, clock } = this.#parts;
    const nowMs = clock.now();
    const { addresses } = await file.read();
    const over = addresses.filter((own) => hasRested(own, nowMs)).map((own) => own.address);
    if (over.length === 0) return;
    await this.#writer.freeFloating(over);
    await file.update((ledger) => rested(ledger, nowMs));
  }

  async #fetchAll(subnetIds: readonly string[]): Promise<void> {
    const errors: unknown[] = [];
    for (const subnetId of subnetIds) {
      const count = toFetch(await this.#parts.file.read(), subnetId, this.#parts.warm);
      if (count > 0) await this.#writer.add(subnetId, count).catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
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

  /** The wishes that nothing is ready for. */
  async #giveReady(wishes: readonly Wish[]): Promise<Wish[]> {
    const ledger = await this.#parts.file.update((before) => {
      let after = before;
      for (const [subnetId, of] of bySubnet(wishes)) after = assign(after, ownersOf(of), subnetId);
      return after;
    });
    return wishes.filter(({ owner, subnetId, done }) => {
      const address = addressOf(ledger, owner, subnetId);
      if (address !== undefined) done(address);
      return address === undefined;
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
    for (const [subnetId, wishes] of bySubnet(batch)) {
      try {
        // Whose write is open may get an address by it.
        await this.#writer.settled();
        const left = await this.#giveReady(wishes);
        if (left.length === 0) continue;
        await this.#add(subnetId, new Set(ownersOf(left)).size);
        for (const { failed } of await this.#giveReady(left)) failed(this.#noAddress(subnetId));
      } catch (error) {
        // A full subnet fails its own wishes alone.
        for (const { failed } of wishes) failed(error);
      }
    }
  }

  /** With one write also those that are kept ready. A subnet that has not so many gives those that are needed. */
  async #add(subnetId: string, count: number): Promise<void> {
    const { warm, log } = this.#parts;
    if (warm.high > 0) {
      try {
        await this.#writer.add(subnetId, count + warm.high);
        return;
      } catch (error) {
        if (!isOrbError(error, 'OPENSTACK_SUBNET_FULL')) throw error;
        log.debug({ subnet: subnetId }, errorText(error));
      }
    }
    await this.#writer.add(subnetId, count);
  }

  #noAddress(subnetId: string): OrbError {
    const message = `Neutron accepted a new address of subnet ${subnetId} on port ${this.#parts.portId}, and added none`;
    return new OrbError('OPENSTACK_REFUSED', { message, subject: subnetId });
  }
}

const ownersOf = (wishes: readonly Wish[]): string[] => wishes.map(({ owner }) => owner);

const bySubnet = (wishes: readonly Wish[]): Map<string, Wish[]> =>
  Map.groupBy(wishes, ({ subnetId }) => subnetId);
