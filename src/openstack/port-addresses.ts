// Addresses of pods on the port of this node's VM: taken and left in batches, and never shared, lost or stolen.

import { BackOff, type Clock, isOrbError, OrbError } from '#base';
import {
  addressOf,
  assign,
  forgetGone,
  type Intent,
  leave,
  listWithMore,
  listWithout,
  nextMark,
  type PortLedger,
  settle,
  withMark,
} from '#plan/openstack';
import type { LedgerFile } from './ledger-file.ts';
import type { Neutron, PortChange } from './neutron.ts';
import type { Port } from './neutron-objects.ts';

export interface PortAddressesParts {
  readonly neutron: Pick<Neutron, 'port' | 'updatePort' | 'floatingIpsOf' | 'disassociate'>;
  readonly file: Pick<LedgerFile, 'locked' | 'read' | 'write'>;
  readonly portId: string;
  readonly clock: Clock;
}

interface Wish {
  readonly owner: string;
  readonly subnetId: string;
  readonly done: (address: string) => void;
  readonly failed: (error: unknown) => void;
}

/** How often a write is tried that others come before. */
const TRIES = 30;
const backOff = { firstMs: 50, maximumMs: 2_000 };

export class PortAddresses {
  readonly #parts: PortAddressesParts;
  #wishes: Wish[] = [];
  /** One batch at a time: what comes meanwhile is the next. */
  #isServing = false;

  constructor(parts: PortAddressesParts) {
    this.#parts = parts;
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

  /** Takes the addresses of an owner off the port. An owner that has none is no error. */
  give(owner: string): Promise<void> {
    return this.#leave((one) => one === owner);
  }

  /** Takes off the port what none of these owners has: addresses of pods that ended while nobody looked. */
  sweep(living: ReadonlySet<string>): Promise<void> {
    return this.#leave((owner) => owner === null || !living.has(owner));
  }

  /** Never rejects: errors go to the wishes. */
  async #serveAll(): Promise<void> {
    this.#isServing = true;
    // Wishes of the same turn of the event loop are one batch.
    await Promise.resolve();
    while (this.#wishes.length > 0) {
      const batch = this.#wishes.splice(0);
      try {
        await this.#parts.file.locked(() => this.#serve(batch));
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#isServing = false;
  }

  async #serve(batch: readonly Wish[]): Promise<void> {
    let ledger = await this.#settled(await this.#parts.file.read());
    for (const subnetId of new Set(batch.map((wish) => wish.subnetId))) {
      const wishes = batch.filter((wish) => wish.subnetId === subnetId);
      try {
        ledger = await this.#serveSubnet(ledger, subnetId, wishes);
      } catch (error) {
        // A full subnet fails its own wishes alone.
        for (const { failed } of wishes) failed(error);
        // Its write may still be open, and the next would take its place in the ledger.
        ledger = await this.#settled(await this.#parts.file.read());
      }
    }
  }

  async #serveSubnet(from: PortLedger, subnetId: string, wishes: readonly Wish[]): Promise<PortLedger> {
    const owners = new Set(wishes.map(({ owner }) => owner));
    const first = assignAll(from, owners, subnetId);
    let { ledger } = first;
    if (first.missing > 0) {
      ledger = await this.#add(ledger, subnetId, first.missing);
      ledger = assignAll(ledger, owners, subnetId).ledger;
    }
    if (ledger !== from) await this.#parts.file.write(ledger);
    for (const { owner, done, failed } of wishes) {
      const address = addressOf(ledger, owner, subnetId);
      if (address === undefined) failed(this.#noAddress(subnetId));
      else done(address);
    }
    return ledger;
  }

  /** Adds free addresses to the port and the ledger. */
  async #add(from: PortLedger, subnetId: string, count: number): Promise<PortLedger> {
    const waits = new BackOff(backOff);
    let ledger = from;
    for (let i = 0; i < TRIES; i++) {
      const port = await this.#readPort();
      const { mark, ...next } = nextMark(ledger);
      const { revision_number: revision, fixed_ips: before } = port;
      const intent = { mark, subnetId, count, revision, before: before.map((one) => one.ip_address) };
      ledger = { ...next.ledger, intent };
      await this.#parts.file.write(ledger);
      const changed = await this.#put(port, mark, { fixed_ips: listWithMore(port, subnetId, count) }).catch(
        async (error: unknown) => {
          if (isUncertain(error)) throw error;
          ledger = { ...ledger, intent: null };
          await this.#parts.file.write(ledger);
          if (!isOrbError(error, 'OPENSTACK_CHANGED')) throw error;
          return undefined;
        },
      );
      if (changed !== undefined) return await this.#finish(ledger, intent, changed);
      await this.#parts.clock.sleep(waits.next());
    }
    throw this.#busy();
  }

  /** The answer of a write: usually as it should be; else the port itself is asked. */
  async #finish(ledger: PortLedger, intent: Intent, answer: Port): Promise<PortLedger> {
    const settlement = settle(ledger, intent, answer);
    if (settlement.is !== 'done') return await this.#settled(ledger);
    await this.#parts.file.write(settlement.ledger);
    return settlement.ledger;
  }

  /** Finds out what a write came to of which nobody heard the end, perhaps because this program was killed. */
  async #settled(from: PortLedger): Promise<PortLedger> {
    const { intent } = from;
    if (intent === null) return from;
    let ledger = from;
    for (let i = 0; i < TRIES; i++) {
      const port = await this.#readPort();
      const settlement = settle(ledger, intent, port);
      if (settlement.is !== 'pending') {
        await this.#parts.file.write(settlement.ledger);
        return settlement.ledger;
      }
      // The request may still be under way. A write of ours ends that: the port then has another revision.
      const { mark, ...next } = nextMark(ledger);
      ledger = next.ledger;
      await this.#parts.file.write(ledger);
      await this.#put(port, mark, {}).catch((error: unknown) => {
        if (!isOrbError(error, 'OPENSTACK_CHANGED')) throw error;
      });
    }
    throw this.#busy();
  }

  #leave(isLeft: (owner: string | null) => boolean): Promise<void> {
    return this.#parts.file.locked(async () => {
      const before = await this.#settled(await this.#parts.file.read());
      const ledger = leave(before, isLeft);
      if (!ledger.addresses.some((own) => own.leaving)) return;
      await this.#parts.file.write(ledger);
      await this.#takeOff(ledger);
    });
  }

  /** Takes all leaving addresses off the port, whichever call marked them. */
  async #takeOff(ledger: PortLedger): Promise<void> {
    const waits = new BackOff(backOff);
    let current = ledger;
    for (let i = 0; i < TRIES; i++) {
      const port = await this.#readPort();
      current = forgetGone(current, port);
      await this.#parts.file.write(current);
      if (!current.addresses.some((own) => own.leaving)) return;
      await this.#freeFloating(current);
      const { mark, ...next } = nextMark(current);
      current = next.ledger;
      await this.#parts.file.write(current);
      try {
        const changed = await this.#put(port, mark, { fixed_ips: listWithout(port, current) });
        current = forgetGone(current, changed);
        await this.#parts.file.write(current);
        return;
      } catch (error) {
        if (!isOrbError(error, 'OPENSTACK_CHANGED')) throw error;
      }
      await this.#parts.clock.sleep(waits.next());
    }
    throw this.#busy();
  }

  /** Neutron lets an address go that a floating IP leads to: the next pod with it would be open to the outside. */
  async #freeFloating(ledger: PortLedger): Promise<void> {
    const { neutron, portId } = this.#parts;
    const leaving = ledger.addresses.filter((own) => own.leaving).map((own) => own.address);
    for (const floating of await neutron.floatingIpsOf(portId)) {
      if (leaving.includes(floating.fixed_ip_address ?? '')) await neutron.disassociate(floating.id);
    }
  }

  #put(port: Port, mark: string, change: Omit<PortChange, 'description'>): Promise<Port> {
    const description = withMark(port.description, mark);
    if (description === undefined) {
      const message = `the description of port ${port.id} has ${port.description.length} characters: leave 60 of 255 for our mark`;
      throw new OrbError('OPENSTACK_REFUSED', { message, subject: port.id });
    }
    const revision = port.revision_number;
    return this.#parts.neutron.updatePort(port.id, { ...change, description }, { revision });
  }

  async #readPort(): Promise<Port> {
    const { neutron, portId } = this.#parts;
    const sight = await neutron.port(portId);
    if (sight.is === 'there') return sight.value;
    const message = `port ${portId} of this node does not exist, or is not shown to this login`;
    throw new OrbError('OPENSTACK_NOT_FOUND', { message, subject: portId });
  }

  #noAddress(subnetId: string): OrbError {
    const message = `Neutron accepted a new address of subnet ${subnetId} on port ${this.#parts.portId}, and added none`;
    return new OrbError('OPENSTACK_REFUSED', { message, subject: subnetId });
  }

  #busy(): OrbError {
    const message = `others changed port ${this.#parts.portId} before each of ${TRIES} tries`;
    return new OrbError('OPENSTACK_CHANGED', { message, subject: this.#parts.portId });
  }
}

/** The ledger with an address for each owner, as far as there are free ones, and how many are missing. */
function assignAll(
  from: PortLedger,
  owners: ReadonlySet<string>,
  subnetId: string,
): { readonly ledger: PortLedger; readonly missing: number } {
  let ledger = from;
  let missing = 0;
  for (const owner of owners) {
    if (addressOf(ledger, owner, subnetId) !== undefined) continue;
    const assigned = assign(ledger, owner, subnetId);
    if (assigned === undefined) missing++;
    else ledger = assigned;
  }
  return { ledger, missing };
}

/** Nobody knows whether the write was done. */
function isUncertain(error: unknown): boolean {
  return !isOrbError(error) || ['OPENSTACK_UNREACHABLE', 'OPENSTACK_MALFORMED'].includes(error.code);
}
