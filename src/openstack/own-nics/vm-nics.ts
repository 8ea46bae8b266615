// Makes NICs of this VM and takes them away again: a port of Neutron, which Nova attaches, and which is then a link of the
// node. Each step is in the ledger before it is begun, and a failure undoes the steps before it.

import { isOrbError, OrbError } from '#base';
import {
  begunNic,
  isFull,
  ledgerOf,
  type NicKind,
  type NicLedger,
  nicLedgerName,
  type PortOfNic,
  type PortOrigin,
  type VmNic,
  withNic,
  withoutNic,
} from '#plan/openstack';
import type { Neutron, PortOrder } from '../neutron.ts';
import type { Port } from '../neutron-objects.ts';
import type { Nova } from '../nova.ts';
import { originFields } from '../port-origin.ts';
import { isUncertain } from '../refusal.ts';
import { SECOND_LOOK_MS } from '../second-look.ts';
import { type NicArrivalParts, nicArrives } from './nic-arrival.ts';
import { allOf, NicRemoval, type NicRemovalParts } from './nic-removal.ts';
import { serverNics } from './server-nics.ts';

export interface VmNicsParts extends NicArrivalParts, NicRemovalParts {
  readonly nova: NicRemovalParts['nova'] & Pick<Nova, 'attach'>;
  readonly neutron: NicRemovalParts['neutron'] &
    Pick<Neutron, 'createPort' | 'extensions' | 'network' | 'subnet' | 'floatingIpsOf' | 'disassociate'>;
  /** What the ports say of themselves. */
  readonly origin: PortOrigin;
  /** Whether the node has a link with this MAC address now. */
  readonly hasLink: (mac: string) => boolean;
}

export class VmNics {
  readonly #parts: VmNicsParts;
  readonly #removal: NicRemoval;
  /** Names of the NICs that are made now, by this process. */
  readonly #making = new Set<string>();

  constructor(parts: VmNicsParts) {
    this.#parts = parts;
    this.#removal = new NicRemoval(parts);
  }

  /**
   * A new NIC of the VM, which the node has when this resolves. Throws OPENSTACK_NICS_FULL, OPENSTACK_NIC_LATE and the
   * errors of Neutron and Nova. After a failure nothing is left, or {@link tidy} takes it away.
   */
  async make(kind: NicKind, owner: string | null): Promise<VmNic> {
    await this.#refuseFull();
    const { neutron, origin, serverId } = this.#parts;
    const texts = await originFields(origin, nicLedgerName(serverId), neutron);
    let name = '';
    await this.#parts.file.update((ledger) => {
      const begun = begunNic(ledger, kind, owner);
      name = begun.name;
      this.#making.add(name);
      return begun.ledger;
    });
    try {
      const port = await this.#makePort({ ...texts, name }, kind);
      await this.#attach(port);
      const ledger = await this.#update(name, { state: 'ready' });
      return nicNamed(ledger, name);
    } catch (error) {
      await this.#undo(name);
      throw error;
    } finally {
      this.#making.delete(name);
    }
  }

  /** How many NICs the VM has, with its own. */
  async count(): Promise<number> {
    const { nova, serverId } = this.#parts;
    return (await serverNics(nova, serverId)).length;
  }

  /** What an earlier agent has begun is undone: nobody waits for it any more. */
  async forsake(): Promise<void> {
    await this.#parts.file.update((ledger) => ({
      ...ledger,
      nics: ledger.nics.map((nic): VmNic => {
        const isForsaken = nic.state === 'making' && !this.#making.has(nic.name);
        return isForsaken ? { ...nic, state: 'leaving', owner: null } : nic;
      }),
    }));
  }

  /**
   * NICs that were given back become ready, once no floating IP leads to them. Those whose link has gone leave, as those
   * that Nova does not know any more.
   */
  async tidy(): Promise<void> {
    const { nics } = await this.#parts.file.read();
    await allOf(nics.filter(({ state }) => state === 'used').map((nic) => this.#clean(nic)));
    await this.#findDetached();
  }

  /**
   * Ids of ports of this VM that an agent has made for pods, and that the ledger does not have: it was lost. Nobody knows
   * whether pods have their NICs, so they stay as they are.
   */
  async unknown(): Promise<string[]> {
    const { nova, neutron, serverId, file } = this.#parts;
    const nics = await serverNics(nova, serverId);
    // Nova may still show what has left the ledger meanwhile. Its port is gone then.
    const known = new Set((await file.read()).nics.flatMap(({ port }) => port?.id ?? []));
    const others = nics.map(({ port_id }) => port_id).filter((id) => !known.has(id));
    const ports = await Promise.all(others.map((id) => neutron.port(id)));
    return ports.flatMap((sight) =>
      sight.is === 'there' && ledgerOf(sight.value) === nicLedgerName(serverId) ? sight.value.id : [],
    );
  }

  /** Takes away all that leaves. One that fails stops no other; the first error is thrown at the end. */
  takeAway(): Promise<void> {
    return this.#removal.all();
  }

  async #refuseFull(): Promise<void> {
    const { file, clock, serverId } = this.#parts;
    const ledger = await file.read();
    if (ledger.limit === null) return;
    const count = await this.count();
    if (!isFull(ledger, count, clock.now())) return;
    const message = `VM ${serverId} has ${count} NICs, and Nova refused another one when it had ${ledger.limit.count}`;
    throw new OrbError('OPENSTACK_NICS_FULL', { message, subject: serverId });
  }

  async #makePort(
    texts: Pick<PortOrder, 'name' | 'description' | 'tags'>,
    { networkId, groups }: NicKind,
  ): Promise<PortOfNic> {
    const { neutron } = this.#parts;
    const { name } = texts;
    const order: PortOrder = {
      ...{ ...texts, network_id: networkId, device_id: '', device_owner: '' },
      ...(groups !== null && { security_groups: groups }),
    };
    const made = await neutron.createPort(order).catch(async (error: unknown) => {
      // What was refused will not come later.
      if (!isUncertain(error)) await this.#parts.file.update((ledger) => withoutNic(ledger, name));
      throw error;
    });
    // If this process dies before the next write, the port is found by its name.
    const port = await this.#factsOf(made);
    await this.#update(name, { port });
    return port;
  }

  async #factsOf({ id, mac_address: mac, network_id, fixed_ips }: Port): Promise<PortOfNic> {
    const { neutron } = this.#parts;
    const network = await neutron.network(network_id);
    const ids = [...new Set(fixed_ips.map(({ subnet_id }) => subnet_id))];
    const sights = await Promise.all(ids.map((subnet) => neutron.subnet(subnet)));
    const subnets = sights.flatMap((sight) => (sight.is === 'there' ? sight.value : []));
    const addresses = fixed_ips.flatMap(({ subnet_id, ip_address }) => {
      const subnet = subnets.find((one) => one.id === subnet_id);
      if (subnet === undefined) return [];
      return { address: `${ip_address}/${subnet.cidr.split('/')[1]}`, gateway: subnet.gateway_ip };
    });
    return {
      ...{ id, mac, addresses, nameservers: subnets.flatMap(({ dns_nameservers }) => dns_nameservers) },
      mtuBytes: (network.is === 'there' ? network.value.mtu : undefined) ?? null,
    };
  }

  async #attach({ id, mac }: PortOfNic): Promise<void> {
    const { nova, serverId } = this.#parts;
    try {
      await nova.attach(serverId, id);
    } catch (error) {
      if (isOrbError(error, 'OPENSTACK_NICS_FULL')) throw await this.#learned(error);
      throw error;
    }
    await nicArrives({ id, mac }, this.#parts);
  }

  /** Nova never says how many NICs a VM may have: it refuses the next one. */
  async #learned(refusal: OrbError): Promise<OrbError> {
    const { file, clock, serverId, log } = this.#parts;
    const count = await this.count().catch(() => undefined);
    if (count === undefined) return refusal;
    await file.update((ledger) => {
      const own = ledger.nics.filter(({ state }) => state === 'ready' || state === 'used').length;
      return { ...ledger, limit: { count, own, atMs: clock.now() } };
    });
    log.warn({ server: serverId, count }, 'the VM has as many NICs as it can have');
    const message = `VM ${serverId} has ${count} NICs, and Nova refuses another one: ${refusal.message}`;
    const said = refusal.said === undefined ? {} : { said: refusal.said };
    return new OrbError('OPENSTACK_NICS_FULL', { message, subject: serverId, cause: refusal, ...said });
  }

  /** After a failure: at once, so that the caller finds things as they were. What fails here is done later. */
  async #undo(name: string): Promise<void> {
    await this.#update(name, { state: 'leaving', owner: null });
    await this.#removal.one(name).catch((error: unknown) => {
      this.#parts.log.warn({ port: name, err: error }, 'a NIC that was not finished is taken away later');
    });
  }

  async #clean({ name, port }: VmNic): Promise<void> {
    const { neutron, hasLink } = this.#parts;
    if (port === null || !hasLink(port.mac)) {
      await this.#update(name, { state: 'leaving' });
      return;
    }
    for (const { id } of await neutron.floatingIpsOf(port.id)) await neutron.disassociate(id);
    await this.#update(name, { state: 'ready' });
  }

  /** A NIC that an operator has detached. Its pod keeps its place in the ledger: CHECK tells of it. */
  async #findDetached(): Promise<void> {
    const { nova, serverId, file, clock } = this.#parts;
    const missing = async () => {
      const there = new Set((await serverNics(nova, serverId)).map(({ port_id }) => port_id));
      const { nics } = await file.read();
      return nics.filter(
        ({ state, owner, port }) =>
          state === 'ready' && owner === null && port !== null && !there.has(port.id),
      );
    };
    if ((await missing()).length === 0) return;
    await clock.sleep(SECOND_LOOK_MS);
    for (const { name } of await missing()) await this.#update(name, { state: 'leaving' });
  }

  #update(name: string, fields: Partial<VmNic>): Promise<NicLedger> {
    return this.#parts.file.update((ledger) => withNic(ledger, name, fields));
  }
}

function nicNamed({ nics }: NicLedger, name: string): VmNic {
  const nic = nics.find((one) => one.name === name);
  if (nic !== undefined) return nic;
  throw new OrbError('INTERNAL', { message: `the ledger of NICs has no ${name} any more` });
}
