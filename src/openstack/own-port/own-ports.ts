// The mode `port`: each address of a pod is reserved by a port of our own. Ports that come, and ports that leave.

import { BackOff, isOrbError } from '#base';
import {
  allLeaving,
  askedOf,
  begun,
  compared,
  deviceOf,
  isWithoutPair,
  made,
  OWN_PORT_OWNER,
  type OwnAddress,
  originTexts,
  type PortLedger,
  type PortOrigin,
  strays,
  type Wanted,
} from '#plan/openstack';
import type { Neutron, PortOrder } from '../neutron.ts';
import type { Port } from '../neutron-objects.ts';
import { originFields } from '../port-origin.ts';
import { isScarce, isUncertain } from '../refusal.ts';
import { SECOND_LOOK_MS } from '../second-look.ts';
import { type AddressKeeper, backOff, type KeeperParts, type LedgerChange, TRIES } from './address-keeper.ts';

export interface OwnPortsParts extends KeeperParts {
  readonly neutron: Pick<
    Neutron,
    'port' | 'ports' | 'createPort' | 'deletePort' | 'extensions' | 'floatingIpsOf' | 'disassociate'
  >;
  readonly networkId: string;
  /** Whether a port of a VM must let the addresses through before a pod gets them. */
  readonly pair: 'none' | 'new';
  /** The security groups of the node's own port, as it has them now. Undefined: it has no port in the network. */
  readonly nodeGroups: () => Promise<readonly string[] | undefined>;
  readonly origin: PortOrigin;
}

/** How many ports are made at once, and deleted at once. Neutron takes a tenth of a second for each. */
const AT_ONCE = 8;

export class OwnPorts implements AddressKeeper {
  readonly addsInOneWrite = false;
  readonly #parts: OwnPortsParts;

  constructor(parts: OwnPortsParts) {
    this.#parts = parts;
  }

  async reconcile(): Promise<void> {
    const { file, clock } = this.#parts;
    const before = await file.read();
    await this.settled();
    if (before.sequence === 0) await this.#tellEarlier(before);
    let ports = await this.#all();
    let ledger = await file.update((own) => compared(own, ports));
    if (ledger.addresses.some((own) => own.missing)) {
      await clock.sleep(SECOND_LOOK_MS);
      ports = await this.#all();
      ledger = await file.update((own) => compared(own, ports));
    }
    await this.#deleteAll(strays(ledger, ports));
  }

  /** What comes later of a request that nobody waits for any more is a stray of the next {@link reconcile}. */
  async settled(): Promise<void> {
    const { file, neutron, pair } = this.#parts;
    const ledger = await file.read();
    if (ledger.making === null) return;
    const ports = await neutron.ports({ device_id: deviceOf(ledger), name: ledger.making.name });
    await file.update((own) => made(own, ports, pair));
  }

  async add(wanted: Wanted, count: number, then: LedgerChange = (ledger) => ledger): Promise<void> {
    // Where there is no room, one refusal tells it.
    await this.#make(wanted, 1, then);
    try {
      for (let left = count - 1; left > 0; left -= AT_ONCE)
        await this.#make(wanted, Math.min(left, AT_ONCE), then);
    } catch (error) {
      if (!isScarce(error)) throw error;
    }
  }

  async takeOff(): Promise<void> {
    const { addresses } = await this.#parts.file.read();
    const gone = addresses.filter((own) => own.leaving && isWithoutPair(own));
    await this.#deleteAll(gone.flatMap(({ portId }) => portId ?? []));
  }

  async freeFloating(addresses: readonly OwnAddress[]): Promise<void> {
    const { neutron } = this.#parts;
    for (const { portId } of addresses) {
      if (portId === null) continue;
      for (const { id } of await neutron.floatingIpsOf(portId)) await neutron.disassociate(id);
    }
  }

  async has({ portId, address }: OwnAddress): Promise<boolean> {
    if (portId === null) return false;
    const sight = await this.#parts.neutron.port(portId);
    return sight.is === 'there' && sight.value.fixed_ips.some((one) => one.ip_address === address);
  }

  async end(): Promise<void> {
    await this.reconcile();
    await this.#parts.file.update(allLeaving);
    await this.takeOff();
  }

  /** Makes ports of one name side by side. */
  async #make(wanted: Wanted, count: number, then: LedgerChange): Promise<void> {
    const { file, neutron, pair, clock } = this.#parts;
    const groups = wanted.groups ?? (await this.#parts.nodeGroups());
    const { name: ledgerName } = await file.read();
    const origin = await originFields(this.#parts.origin, ledgerName, neutron);
    const waits = new BackOff(backOff);
    for (let i = 0, left = count; ; i++) {
      let name = '';
      const ledger = await file.update((before) => {
        const next = begun(before, wanted);
        name = next.name;
        return next.ledger;
      });
      const order: PortOrder = {
        network_id: this.#parts.networkId,
        ...{ name, device_id: deviceOf(ledger), device_owner: OWN_PORT_OWNER },
        fixed_ips: [askedOf(wanted)],
        ...(groups !== undefined && { security_groups: groups }),
        ...origin,
      };
      const requests = Array.from({ length: left }, () => neutron.createPort(order));
      const answers = await Promise.allSettled(requests);
      const refused = answers.filter((one) => one.status === 'rejected');
      const uncertain = refused.find(({ reason }) => isUncertain(reason));
      if (uncertain !== undefined) throw uncertain.reason;
      const ports = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      await file.update((own) => then(made(own, ports, pair)));
      // Two requests chose the same free address.
      const isPassing = ({ reason }: PromiseRejectedResult) =>
        i + 1 < TRIES && isOrbError(reason, 'OPENSTACK_CONFLICT') && wanted.address === null;
      const lasting = refused.find((one) => !isPassing(one));
      if (lasting !== undefined) throw lasting.reason;
      left = refused.length;
      if (left === 0) return;
      await clock.sleep(waits.next());
    }
  }

  async #all(): Promise<Port[]> {
    const { file, neutron } = this.#parts;
    const ledger = await file.read();
    return neutron.ports({ device_id: deviceOf(ledger), device_owner: OWN_PORT_OWNER });
  }

  /** One that fails stops no other. The first error is thrown at the end. */
  async #deleteAll(ids: readonly string[]): Promise<void> {
    const { neutron, file } = this.#parts;
    let failed: { readonly error: unknown } | undefined;
    for (let i = 0; i < ids.length; i += AT_ONCE) {
      const batch = ids.slice(i, i + AT_ONCE);
      const results = await Promise.allSettled(batch.map((id) => neutron.deletePort(id)));
      for (const one of results) if (one.status === 'rejected') failed ??= { error: one.reason };
      const gone = new Set(batch.filter((_, at) => results[at]?.status === 'fulfilled'));
      await file.update((own) => withoutPorts(own, gone));
    }
    if (failed !== undefined) throw failed.error;
  }

  /** A ledger that is new on this node, although the node has ports: the first was lost with its disk. */
  async #tellEarlier(ledger: PortLedger): Promise<void> {
    const { neutron, networkId, origin, log } = this.#parts;
    const { description } = originTexts(origin, ledger.name);
    const ports = await neutron.ports({
      network_id: networkId,
      device_owner: OWN_PORT_OWNER,
      description,
    });
    const earlier = ports.map(({ id }) => id);
    if (earlier.length === 0) return;
    log.warn(
      { network: networkId, ports: earlier },
      `this node has ports that no ledger knows, so no pod gets their addresses; if nothing uses them: openstack port delete ${earlier.join(' ')}`,
    );
  }
}

function withoutPorts(ledger: PortLedger, ids: ReadonlySet<string>): PortLedger {
  const addresses = ledger.addresses.filter(({ portId }) => portId === null || !ids.has(portId));
  return { ...ledger, addresses };
}
