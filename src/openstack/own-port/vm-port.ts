// The port of this node's VM, as it is read before a write.

import { type Clock, OrbError } from '#base';
import type { Neutron } from '../neutron.ts';
import type { Port } from '../neutron-objects.ts';
import { SECOND_LOOK_MS } from '../second-look.ts';
import { TRIES } from './address-keeper.ts';

export interface VmPortParts {
  readonly neutron: Pick<Neutron, 'port'>;
  readonly portId: string;
  readonly clock: Clock;
}

export class VmPort {
  readonly #parts: VmPortParts;

  constructor(parts: VmPortParts) {
    this.#parts = parts;
  }

  /** Throws OPENSTACK_NOT_FOUND after two looks. */
  async read(): Promise<Port> {
    const port = await this.readIfAny();
    if (port !== undefined) return port;
    const { portId } = this.#parts;
    const message = `port ${portId} of this node does not exist, or is not shown to this login`;
    throw new OrbError('OPENSTACK_NOT_FOUND', { message, subject: portId });
  }

  /** Undefined if Neutron says twice that there is none. */
  async readIfAny(): Promise<Port | undefined> {
    const { neutron, portId, clock } = this.#parts;
    const sight = await neutron.port(portId);
    if (sight.is === 'there') return sight.value;
    await clock.sleep(SECOND_LOOK_MS);
    const second = await neutron.port(portId);
    return second.is === 'there' ? second.value : undefined;
  }

  /** The error of a writer that others always came before. */
  busy(): OrbError {
    const message = `others changed port ${this.#parts.portId} before each of ${TRIES} tries`;
    return new OrbError('OPENSTACK_CHANGED', { message, subject: this.#parts.portId });
  }
}
