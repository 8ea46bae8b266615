// The writes of a port: addresses that come, and addresses that leave. Whoever calls it has the port's lock.

import { BackOff, type Clock, isOrbError, type Logger, OrbError } from '#base';
import {
  forgetGone,
  type Intent,
  listWithMore,
  listWithout,
  nextMark,
  type PortLedger,
  reconciled,
  settle,
  withMark,
} from '#plan/openstack';
import type { LedgerFile } from './ledger-file.ts';
import type { Neutron, PortChange } from './neutron.ts';
import type { Port } from './neutron-objects.ts';

export interface PortWriterParts {
  readonly neutron: Pick<Neutron, 'port' | 'updatePort' | 'floatingIpsOf' | 'disassociate'>;
  readonly file: Pick<LedgerFile, 'locked' | 'read' | 'update'>;
  readonly portId: string;
  /** The addresses that the node itself has on this port. */
  readonly nodeAddresses: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often a write is tried that others come before. */
const TRIES = 30;
const backOff = { firstMs: 50, maximumMs: 2_000 };
/** Between two looks that must agree. */
const SECOND_LOOK_MS = 1_000;

export class PortWriter {
  readonly #parts: PortWriterParts;
  /** Unsure addresses that the log has told of. */
  #told = '';

  constructor(parts: PortWriterParts) {
    this.#parts = parts;
  }

  /** Makes the ledger agree with the port. Throws the errors of Neutron: the ledger is then as before. */
  async reconcile(): Promise<void> {
    await this.settled();
    let ledger = await this.#compare();
    if (ledger.addresses.some((own) => own.missing)) {
      await this.#parts.clock.sleep(SECOND_LOOK_MS);
      ledger = await this.#compare();
    }
    this.#tellUnsure(ledger.unsure);
  }

  /** Adds free addresses to the port and the ledger. */
  async add(subnetId: string, count: number): Promise<void> {
    const waits = new BackOff(backOff);
    for (let i = 0; i < TRIES; i++) {
      const port = await this.readPort();
      const before = port.fixed_ips.map((one) => one.ip_address);
      const revision = port.revision_number;
      const mark = await this.#newMark((next) => ({ mark: next, subnetId, count, revision, before }));
      const fixed_ips = listWithMore(port, subnetId, count);
      const changed = await this.#put(port, mark, { fixed_ips }).catch(async (error: unknown) => {
        if (isUncertain(error)) throw error;
        await this.#parts.file.update((ledger) => ({ ...ledger, intent: null }));
        if (!isOrbError(error, 'OPENSTACK_CHANGED')) throw error;
        return undefined;
      });
      if (changed !== undefined) {
        // Usually the answer is as it should be; else the port itself is asked.
        if (!(await this.#settle(changed, ['done']))) await this.settled();
        return;
      }
      await this.#parts.clock.sleep(waits.next());
    }
    throw this.#busy();
  }

  /** Finds out what a write came to of which nobody heard the end, perhaps because its program was killed. */
  async settled(): Promise<void> {
    for (let i = 0; i < TRIES; i++) {
      if ((await this.#parts.file.read()).intent === null) return;
      const port = await this.readPort();
      if (await this.#settle(port, ['done', 'void'])) return;
      // The request may still be under way. A write of ours ends that: the port then has another revision.
      const mark = await this.#newMark();
      await this.#put(port, mark, {}).catch((error: unknown) => {
        if (!isOrbError(error, 'OPENSTACK_CHANGED')) throw error;
      });
    }
    throw this.#busy();
  }

  /** Takes all leaving addresses off the port, whoever marked them. */
  async takeOff(): Promise<void> {
    const { file, clock } = this.#parts;
    const waits = new BackOff(backOff);
    for (let i = 0; i < TRIES; i++) {
      const port = await this.#portIfAny();
      if (port === undefined) {
        await file.update((own) => forgetGone(own, { fixed_ips: [] }));
        return;
      }
      const ledger = await file.update((own) => forgetGone(own, port));
      const leaving = ledger.addresses.filter((own) => own.leaving).map((own) => own.address);
      if (leaving.length === 0) return;
      await this.freeFloating(leaving);
      const mark = await this.#newMark();
      try {
        const changed = await this.#put(port, mark, { fixed_ips: listWithout(port, ledger) });
        await file.update((own) => forgetGone(own, changed));
        return;
      } catch (error) {
        if (!isOrbError(error, 'OPENSTACK_CHANGED')) throw error;
      }
      await clock.sleep(waits.next());
    }
    throw this.#busy();
  }

  /**
   * Neutron keeps a floating IP that leads to an address whose pod has gone, even where the address leaves the port. The
   * next pod with the address would be open to the outside.
   */
  async freeFloating(addresses: readonly string[]): Promise<void> {
    const { neutron, portId } = this.#parts;
    for (const floating of await neutron.floatingIpsOf(portId)) {
      if (addresses.includes(floating.fixed_ip_address ?? '')) await neutron.disassociate(floating.id);
    }
  }

  /** Throws OPENSTACK_NOT_FOUND after two looks. */
  async readPort(): Promise<Port> {
    const port = await this.#portIfAny();
    if (port !== undefined) return port;
    const { portId } = this.#parts;
    const message = `port ${portId} of this node does not exist, or is not shown to this login`;
    throw new OrbError('OPENSTACK_NOT_FOUND', { message, subject: portId });
  }

  /** Undefined if Neutron says twice that there is none. */
  async #portIfAny(): Promise<Port | undefined> {
    const { neutron, portId, clock } = this.#parts;
    const sight = await neutron.port(portId);
    if (sight.is === 'there') return sight.value;
    await clock.sleep(SECOND_LOOK_MS);
    const second = await neutron.port(portId);
    return second.is === 'there' ? second.value : undefined;
  }

  async #compare(): Promise<PortLedger> {
    const { file, nodeAddresses } = this.#parts;
    const port = await this.readPort();
    return file.update((ledger) => reconciled(ledger, port, nodeAddresses));
  }

  /** Settles the open intent by a look at the port, if it has come to one of these ends. */
  async #settle(port: Port, ends: readonly ('done' | 'void')[]): Promise<boolean> {
    let isSettled = true;
    await this.#parts.file.update((ledger) => {
      const { intent } = ledger;
      if (intent === null) return ledger;
      const settlement = settle(ledger, intent, port);
      isSettled = settlement.is !== 'pending' && ends.includes(settlement.is);
      return settlement.is !== 'pending' && isSettled ? settlement.ledger : ledger;
    });
    return isSettled;
  }

  /** A mark that no write has used, on the disk together with the intent of the write. */
  async #newMark(intentOf?: (mark: string) => Intent): Promise<string> {
    let used = '';
    await this.#parts.file.update((ledger) => {
      const { ledger: next, mark } = nextMark(ledger);
      used = mark;
      return intentOf === undefined ? next : { ...next, intent: intentOf(mark) };
    });
    return used;
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

  #tellUnsure(addresses: readonly string[]): void {
    const list = addresses.join(' ');
    if (list === this.#told) return;
    this.#told = list;
    if (list === '') return;
    const { portId, log } = this.#parts;
    const mends = addresses.map((address) => `--fixed-ip ip-address=${address}`).join(' ');
    log.warn(
      { port: portId, addresses },
      `nobody knows who added addresses of this port, so no pod gets them; if nothing uses them: openstack port unset ${mends} ${portId}`,
    );
  }

  #busy(): OrbError {
    const message = `others changed port ${this.#parts.portId} before each of ${TRIES} tries`;
    return new OrbError('OPENSTACK_CHANGED', { message, subject: this.#parts.portId });
  }
}

/** Nobody knows whether the write was done. */
function isUncertain(error: unknown): boolean {
  return !isOrbError(error) || ['OPENSTACK_UNREACHABLE', 'OPENSTACK_MALFORMED'].includes(error.code);
}
