// The mode `address-pairs`: each address of a pod is reserved by a port of our own, and a pair on the port of the VM lets it
// through.

import { BackOff, isOrbError, OrbError } from '#base';
import {
  type AddressPair,
  allLeaving,
  awaitsPair,
  hasNetworkPair,
  isLetThrough,
  type OwnAddress,
  pairStep,
  type Wanted,
  withoutPairs,
} from '#plan/openstack';
import type { Neutron } from '../neutron.ts';
import type { Port } from '../neutron-objects.ts';
import { type AddressKeeper, backOff, type KeeperParts, type LedgerChange, TRIES } from './address-keeper.ts';
import { VmPort } from './vm-port.ts';

export interface AddressPairsParts extends KeeperParts {
  /** Reserves the addresses. */
  readonly reserve: AddressKeeper;
  readonly neutron: Pick<Neutron, 'port' | 'updatePort'>;
  /** The port of the VM. */
  readonly portId: string;
}

export class AddressPairs implements AddressKeeper {
  readonly addsInOneWrite = false;
  readonly #parts: AddressPairsParts;
  readonly #port: VmPort;
  /** How many pairs a port may have, once Neutron has said so in a refusal: nothing else tells it. */
  #limit: number | undefined;

  constructor(parts: AddressPairsParts) {
    this.#parts = parts;
    this.#port = new VmPort(parts);
  }

  async reconcile(): Promise<void> {
    const { reserve, log, portId } = this.#parts;
    this.#limit = undefined;
    await reserve.reconcile();
    await this.#level();
    const { addresses } = await this.#parts.file.read();
    const waiting = addresses.filter(awaitsPair).map(({ address }) => address);
    if (waiting.length > 0)
      log.warn(
        { port: portId, addresses: waiting },
        'the port has no room for the address pairs of these pods',
      );
  }

  async settled(): Promise<void> {
    const { reserve, file } = this.#parts;
    await reserve.settled();
    if ((await file.read()).addresses.some(awaitsPair)) await this.#level();
  }

  async add(wanted: Wanted, count: number, then: LedgerChange = (ledger) => ledger): Promise<void> {
    const room = await this.#room(count);
    await this.#parts.reserve.add(wanted, room);
    const givenUp = await this.#level();
    await this.#parts.file.update(then);
    if (givenUp >= room) throw this.#full();
  }

  /** The pair first: whoever gets the address next must not share it with this VM. */
  async takeOff(): Promise<void> {
    const { file, reserve } = this.#parts;
    if ((await this.#port.readIfAny()) === undefined) await file.update(withoutPairs);
    else await this.#level();
    await reserve.takeOff();
  }

  freeFloating(addresses: readonly OwnAddress[]): Promise<void> {
    return this.#parts.reserve.freeFloating(addresses);
  }

  async has(own: OwnAddress): Promise<boolean> {
    return (await this.#parts.reserve.has(own)) && isLetThrough(await this.#port.read(), own.address);
  }

  /** The port of the VM may be gone: what is reserved goes all the same. */
  async end(): Promise<void> {
    await this.#parts.reserve.reconcile();
    await this.#parts.file.update(allLeaving);
    await this.takeOff();
  }

  /** How many of so many addresses may have a pair, so that no ports are made in vain. Throws OPENSTACK_PAIRS_FULL. */
  async #room(count: number): Promise<number> {
    if (this.#limit === undefined) return count;
    const port = await this.#port.read();
    if (port.port_security_enabled === false || hasNetworkPair(port)) return count;
    const room = this.#limit - (port.allowed_address_pairs ?? []).length;
    if (room > 0) return Math.min(room, count);
    throw this.#full();
  }

  /** Brings the pairs of the port to what the ledger needs. The number of addresses that were given up for want of room. */
  async #level(): Promise<number> {
    const { clock, neutron, file } = this.#parts;
    const waits = new BackOff(backOff);
    for (let i = 0; i < TRIES; i++) {
      const port = await this.#port.read();
      refuseWithoutPairs(port);
      let list: readonly AddressPair[] | undefined;
      await file.update((ledger) => {
        const step = pairStep(ledger, port, this.#limit);
        list = step.list;
        return step.ledger;
      });
      if (list === undefined) return await this.#giveUp();
      try {
        const revision = port.revision_number;
        await neutron.updatePort(port.id, { allowed_address_pairs: list }, { revision });
        waits.reset();
        continue;
      } catch (error) {
        if (isOrbError(error, 'OPENSTACK_PAIRS_FULL')) this.#limit = limitIn(error, list.length);
        // A conflict: port security was switched off meanwhile.
        else if (!isOrbError(error, 'OPENSTACK_CHANGED') && !isOrbError(error, 'OPENSTACK_CONFLICT'))
          throw error;
      }
      await clock.sleep(waits.next());
    }
    throw this.#port.busy();
  }

  /** What nobody has and no pair lets through is given back. */
  async #giveUp(): Promise<number> {
    const { file, reserve } = this.#parts;
    let count = 0;
    await file.update((ledger) => {
      const addresses = ledger.addresses.map((own) => {
        if (own.owner !== null || !awaitsPair(own)) return own;
        count++;
        return { ...own, leaving: true };
      });
      return count === 0 ? ledger : { ...ledger, addresses };
    });
    if (count > 0) await reserve.takeOff();
    return count;
  }

  #full(): OrbError {
    const { portId } = this.#parts;
    const message = `port ${portId} may have ${this.#limit} allowed address pairs, and has no room for one more`;
    return new OrbError('OPENSTACK_PAIRS_FULL', { message, subject: portId });
  }
}

/** Neutron names it in its words; so many as were asked for are too many in any case. */
function limitIn({ said = '' }: OrbError, asked: number): number {
  return Math.min(asked - 1, Number(/maximum (\d+)/.exec(said)?.[1] ?? Number.POSITIVE_INFINITY));
}

function refuseWithoutPairs({ id, ...port }: Port): void {
  if (port.port_security_enabled === false || port.allowed_address_pairs !== undefined) return;
  const message = `the cloud has no allowed address pairs, so port ${id} cannot let addresses of pods through: use another mode than address-pairs`;
  throw new OrbError('OPENSTACK_REFUSED', { message, subject: id });
}
