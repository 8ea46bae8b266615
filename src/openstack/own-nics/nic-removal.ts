// Takes NICs away from this VM: Nova detaches the port, and then Neutron deletes it. The ledger says which.

import { BackOff, type Clock, type Logger, OrbError } from '#base';
import { neverCame, type VmNic, withNic, withoutNic } from '#plan/openstack';
import type { Neutron } from '../neutron.ts';
import type { Nova } from '../nova.ts';
import { SECOND_LOOK_MS } from '../second-look.ts';
import { looks } from './nic-arrival.ts';
import type { NicLedgerFile } from './nic-ledger-file.ts';
import { serverNics } from './server-nics.ts';

export interface NicRemovalParts {
  readonly nova: Pick<Nova, 'detach' | 'interface' | 'interfaces'>;
  readonly neutron: Pick<Neutron, 'port' | 'ports' | 'deletePort'>;
  readonly file: Pick<NicLedgerFile, 'read' | 'update'>;
  readonly serverId: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const DETACH_TIMEOUT_MS = 60_000;

export class NicRemoval {
  readonly #parts: NicRemovalParts;

  constructor(parts: NicRemovalParts) {
    this.#parts = parts;
  }

  /** Takes away all that leaves. One that fails stops no other; the first error is thrown at the end. */
  async all(): Promise<void> {
    const { nics } = await this.#parts.file.read();
    await allOf(nics.filter(({ state }) => state === 'leaving').map(({ name }) => this.one(name)));
  }

  /** Nobody needs any of them any more. Throws OPENSTACK_NIC_LATE if one cannot leave yet. */
  async end(): Promise<void> {
    const { file, serverId } = this.#parts;
    await file.update(({ nics, ...ledger }) => ({
      ...ledger,
      nics: nics.map((nic): VmNic => ({ ...nic, state: 'leaving', owner: null })),
    }));
    await this.all();
    const left = (await file.read()).nics.map(({ name }) => name);
    if (left.length === 0) return;
    const message = `the request for ${left.join(', ')} of server ${serverId} may still be under way: try again in a minute`;
    throw new OrbError('OPENSTACK_NIC_LATE', { message, subject: serverId });
  }

  /** A port that Neutron does not find by its name is asked for again later: the NIC then stays in the ledger. */
  async one(name: string): Promise<void> {
    const { nics } = await this.#parts.file.read();
    const nic = nics.find((one) => one.name === name);
    if (nic === undefined) return;
    const portId = nic.port?.id ?? (await this.#portNamed(nic));
    if (portId === undefined) return;
    await this.#detach(portId);
    await this.#deletePort(portId);
    await this.#parts.file.update((ledger) => withoutNic(ledger, name));
  }

  /** Of a NIC whose port was asked for, and of which nobody knows more. */
  async #portNamed(nic: VmNic): Promise<string | undefined> {
    const { neutron, clock, file } = this.#parts;
    const { name, networkId } = nic;
    const [port] = await neutron.ports({ name, network_id: networkId });
    if (port !== undefined) return port.id;
    const nowMs = clock.now();
    await file.update((ledger) =>
      neverCame(nic, nowMs)
        ? withoutNic(ledger, name)
        : withNic(ledger, name, { unseenAtMs: nic.unseenAtMs ?? nowMs }),
    );
    return undefined;
  }

  /** Nova answers before it is done. */
  async #detach(portId: string): Promise<void> {
    const { nova, serverId, clock } = this.#parts;
    if ((await nova.interface(serverId, portId)).is === 'absent') {
      // Not for a login that sees nothing: then the ledger must keep the NIC.
      await serverNics(nova, serverId);
      return;
    }
    await nova.detach(serverId, portId);
    const end = clock.monotonic() + DETACH_TIMEOUT_MS;
    const waits = new BackOff(looks);
    while ((await nova.interface(serverId, portId)).is === 'there') {
      if (clock.monotonic() > end) {
        const message = `${DETACH_TIMEOUT_MS / 1000} s after Nova was asked to detach port ${portId}, server ${serverId} still has it`;
        throw new OrbError('OPENSTACK_NIC_LATE', { message, subject: portId });
      }
      await clock.sleep(waits.next());
    }
  }

  /** One that another server has by now is not ours any more. */
  async #deletePort(portId: string): Promise<void> {
    const { neutron, serverId, clock, log } = this.#parts;
    let sight = await neutron.port(portId);
    if (sight.is === 'absent') {
      await clock.sleep(SECOND_LOOK_MS);
      sight = await neutron.port(portId);
    }
    if (sight.is === 'absent') return;
    const device = sight.value.device_id;
    if (device !== '' && device !== serverId) {
      log.warn({ port: portId, server: device }, 'another server has a port that this agent made: it stays');
      return;
    }
    await neutron.deletePort(portId);
  }
}

/** The first error is thrown once all have ended. */
export async function allOf(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
