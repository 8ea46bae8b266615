// Ports that reserve the addresses of a pool in Neutron. It calls no kernel: the controller makes them.

import { isOrbError, type OrbError } from '#base';
import { type Address, formatAddress } from '#ip';
import { deviceOfPool, POOL_PORT_OWNER, poolPortDescription } from '#plan/openstack';
import type { Neutron, PortOrder } from './neutron.ts';
import type { Port, Subnet } from './neutron-objects.ts';
import { isUncertain } from './refusal.ts';

/** How many ports one request makes, and how many are deleted at once. Neutron takes a tenth of a second for each. */
const BATCH = { make: 20, delete: 8 };

interface CallOptions {
  readonly signal: AbortSignal;
}

/** Whose ports they are. */
export interface PoolOfPorts {
  readonly name: string;
  readonly uid: string;
  /** The UID of the cluster. */
  readonly cluster: string;
}

export interface RefusedAddress {
  readonly address: Address;
  readonly error: OrbError;
}

export class PoolPorts {
  readonly #neutron: Pick<Neutron, 'ports' | 'createPorts' | 'deletePort'>;

  constructor(neutron: Pick<Neutron, 'ports' | 'createPorts' | 'deletePort'>) {
    this.#neutron = neutron;
  }

  /** Those of all pools, of every cluster that the login sees. */
  all(options: CallOptions): Promise<Port[]> {
    return this.#neutron.ports({ device_owner: POOL_PORT_OWNER }, options);
  }

  of({ uid }: PoolOfPorts, options: CallOptions): Promise<Port[]> {
    return this.#neutron.ports({ device_owner: POOL_PORT_OWNER, device_id: deviceOfPool(uid) }, options);
  }

  /**
   * Makes a port for each address. Neutron makes all of a request or none: so one that another port has is found by halves,
   * and stops no other. Throws if Neutron cannot be asked.
   */
  async make(
    pool: PoolOfPorts,
    { id, network_id }: Pick<Subnet, 'id' | 'network_id'>,
    addresses: readonly Address[],
    options: CallOptions,
  ): Promise<{ readonly made: Port[]; readonly refused: RefusedAddress[] }> {
    const order = (address: Address): PortOrder => ({
      network_id,
      name: `orbweaver ${pool.name}`.slice(0, 255),
      device_id: deviceOfPool(pool.uid),
      device_owner: POOL_PORT_OWNER,
      description: poolPortDescription(pool.name, pool.cluster),
      fixed_ips: [{ subnet_id: id, ip_address: formatAddress(address) }],
    });
    const made: Port[] = [];
    const refused: RefusedAddress[] = [];
    for (let i = 0; i < addresses.length; i += BATCH.make)
      await this.#makeSome(addresses.slice(i, i + BATCH.make), order, { made, refused }, options);
    return { made, refused };
  }

  /** One that fails stops no other. Ends early, between requests, where it is not `wanted` any more. */
  async delete(
    ids: readonly string[],
    { signal, wanted = () => true }: CallOptions & { readonly wanted?: (() => boolean) | undefined },
  ): Promise<{ readonly deleted: number; readonly errors: readonly unknown[] }> {
    const errors: unknown[] = [];
    let deleted = 0;
    for (let i = 0; i < ids.length && wanted(); i += BATCH.delete) {
      const deletions = ids.slice(i, i + BATCH.delete).map((id) => this.#neutron.deletePort(id, { signal }));
      for (const one of await Promise.allSettled(deletions))
        if (one.status === 'rejected') errors.push(one.reason);
        else deleted += 1;
      signal.throwIfAborted();
    }
    return { deleted, errors };
  }

  async #makeSome(
    addresses: readonly Address[],
    order: (address: Address) => PortOrder,
    found: { readonly made: Port[]; readonly refused: RefusedAddress[] },
    options: CallOptions,
  ): Promise<void> {
    const refuse = (error: OrbError) =>
      void found.refused.push(...addresses.map((address) => ({ address, error })));
    // Where the quota has no room for one, or the policy allows none, the others are not tried.
    const last = found.refused.at(-1)?.error;
    if (last !== undefined && isForAll(last)) return refuse(last);
    try {
      found.made.push(...(await this.#neutron.createPorts(addresses.map(order), options)));
    } catch (error) {
      if (!isOrbError(error) || isUncertain(error) || isOfLogin(error)) throw error;
      if (addresses.length === 1 || error.code === 'OPENSTACK_FORBIDDEN') return refuse(error);
      const half = Math.ceil(addresses.length / 2);
      await this.#makeSome(addresses.slice(0, half), order, found, options);
      await this.#makeSome(addresses.slice(half), order, found, options);
    }
  }
}

/** Neutron would accept no other address. */
const isForAll = ({ code }: OrbError): boolean => ['OPENSTACK_QUOTA', 'OPENSTACK_FORBIDDEN'].includes(code);

/** Nobody was asked. */
const isOfLogin = ({ code }: OrbError): boolean =>
  ['OPENSTACK_LOGIN_REFUSED', 'OPENSTACK_CONFIG_INVALID'].includes(code);
