// The mode `fixed-ips`: addresses of pods stand on the port of the VM. Addresses that come, and addresses that leave.

import { BackOff, isOrbError, OrbError } from '#base';
import {
  allLeaving,
  forgetGone,
  type Intent,
  listWithMore,
  listWithout,
  markOf,
  nextMark,
  type OwnAddress,
  type PortLedger,
  reconciled,
  settle,
  type Wanted,
  withMark,
  withoutMark,
} from '#plan/openstack';
import type { Neutron, PortChange } from '../neutron.ts';
import type { Port } from '../neutron-objects.ts';
import { isUncertain } from '../refusal.ts';
import { SECOND_LOOK_MS } from '../second-look.ts';
import { type AddressKeeper, backOff, type KeeperParts, type LedgerChange, TRIES } from './address-keeper.ts';
import { VmPort } from './vm-port.ts';

export interface FixedIpsParts extends KeeperParts {
  readonly neutron: Pick<Neutron, 'port' | 'updatePort' | 'floatingIpsOf' | 'disassociate'>;
  readonly portId: string;
  /** The addresses that the node itself has on this port. */
  readonly nodeAddresses: readonly string[];
}

export class FixedIps implements AddressKeeper {
  readonly addsInOneWrite = true;
  readonly #parts: FixedIpsParts;
  readonly #port: VmPort;
  /** Unsure addresses that the log has told of. */
  #told = '';

  constructor(parts: FixedIpsParts) {
    this.#parts = parts;
    this.#port = new VmPort(parts);
  }

  async reconcile(): Promise<void> {
    await this.settled();
    let ledger = await this.#compare();
    if (ledger.addresses.some((own) => own.missing)) {
      await this.#parts.clock.sleep(SECOND_LOOK_MS);
      ledger = await this.#compare();
    }
    this.#tellUnsure(ledger.unsure);
  }

  async add(wanted: Wanted, count: number, then: LedgerChange = (ledger) => ledger): Promise<void> {
    const { subnetId } = wanted;
    const waits = new BackOff(backOff);
    let refused: OrbError | undefined;
    for (let i = 0; i < TRIES; i++) {
      if (refused !== undefined) await this.#parts.clock.sleep(waits.next());
      const port = await this.#port.read();
      if (refused !== undefined) {
        // A proxy may have sent the write twice: then it was done, and only the second one was refused.
        if (await this.#settle(port, ['done'], then)) return;
        await this.#parts.file.update((ledger) => ({ ...ledger, intent: null }));
        if (refused.code !== 'OPENSTACK_CHANGED') throw refused;
      }
      const before = port.fixed_ips.map((one) => one.ip_address);
      if (wanted.address !== null && before.includes(wanted.address))
        throw onPortError(port.id, wanted.address);
      const revision = port.revision_number;
      const mark = await this.#newMark((next) => ({ mark: next, subnetId, count, revision, before }));
      const fixed_ips = listWithMore(port, wanted, count);
      const changed = await this.#put(port, mark, { fixed_ips }).catch((error: unknown) => {
        if (!isOrbError(error) || isUncertain(error)) throw error;
        refused = error;
        return undefined;
      });
      if (changed === undefined) continue;
      // Usually the answer is as it should be; else the port itself is asked.
      if (!(await this.#settle(changed, ['done'], then))) await this.settled();
      return;
    }
    throw this.#port.busy();
  }

  async settled(): Promise<void> {
    for (let i = 0; i < TRIES; i++) {
      if ((await this.#parts.file.read()).intent === null) return;
      const port = await this.#port.read();
      if (await this.#settle(port, ['done', 'void'])) return;
      // The request may still be under way. A write of ours ends that: the port then has another revision.
      const mark = await this.#newMark();
      await this.#put(port, mark, {}).catch((error: unknown) => {
        if (!isOrbError(error, 'OPENSTACK_CHANGED')) throw error;
      });
    }
    throw this.#port.busy();
  }

  async takeOff(): Promise<void> {
    const { file, clock } = this.#parts;
    const waits = new BackOff(backOff);
    for (let i = 0; i < TRIES; i++) {
      const port = await this.#port.readIfAny();
      if (port === undefined) {
        await file.update((own) => forgetGone(own, { fixed_ips: [] }));
        return;
      }
      const ledger = await file.update((own) => forgetGone(own, port));
      const leaving = ledger.addresses.filter((own) => own.leaving);
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
    throw this.#port.busy();
  }

  /** Neutron keeps the floating IP also where the address leaves the port. */
  async freeFloating(addresses: readonly OwnAddress[]): Promise<void> {
    const { neutron, portId } = this.#parts;
    for (const floating of await neutron.floatingIpsOf(portId)) {
      const leads = addresses.some(({ address }) => address === floating.fixed_ip_address);
      if (leads) await neutron.disassociate(floating.id);
    }
  }

  async has({ address }: OwnAddress): Promise<boolean> {
    const port = await this.#port.read();
    return port.fixed_ips.some((one) => one.ip_address === address);
  }

  async end(): Promise<void> {
    const { file } = this.#parts;
    if ((await this.#port.readIfAny()) === undefined) {
      await file.update((ledger) => ({ ...ledger, intent: null, addresses: [] }));
      return;
    }
    await this.settled();
    await file.update(allLeaving);
    await this.takeOff();
    await this.#unmark();
  }

  /** Leaves of the port's description what others wrote. */
  async #unmark(): Promise<void> {
    const { neutron, file, clock, portId } = this.#parts;
    const waits = new BackOff(backOff);
    const { writer } = await file.read();
    for (let i = 0; i < TRIES; i++) {
      const port = await this.#port.readIfAny();
      // The mark of another ledger is not ours.
      if (markOf(port?.description ?? '')?.startsWith(`${writer}-`) !== true || port === undefined) return;
      const description = withoutMark(port.description);
      try {
        await neutron.updatePort(portId, { description }, { revision: port.revision_number });
        return;
      } catch (error) {
        if (!isOrbError(error, 'OPENSTACK_CHANGED')) throw error;
      }
      await clock.sleep(waits.next());
    }
    throw this.#port.busy();
  }

  async #compare(): Promise<PortLedger> {
    const { file, nodeAddresses } = this.#parts;
    const port = await this.#port.read();
    return file.update((ledger) => reconciled(ledger, port, nodeAddresses));
  }

  /** Settles the open intent by a look at the port, if it has come to one of these ends. */
  async #settle(
    port: Port,
    ends: readonly ('done' | 'void')[],
    then: LedgerChange = (ledger) => ledger,
  ): Promise<boolean> {
    let isSettled = true;
    await this.#parts.file.update((ledger) => {
      const { intent } = ledger;
      if (intent === null) return ledger;
      const settlement = settle(ledger, intent, port);
      isSettled = settlement.is !== 'pending' && ends.includes(settlement.is);
      return settlement.is !== 'pending' && isSettled ? then(settlement.ledger) : ledger;
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
}

/** The node's own, or one that another program added. */
function onPortError(portId: string, address: string): OrbError {
  const message = `port ${portId} has the address ${address} already, and not for a pod`;
  return new OrbError('OPENSTACK_CONFLICT', { message, subject: address });
}
