// Ports that reserve the addresses of a pool in Neutron. It calls no kernel: the controller makes them.

import { isOrbError, type OrbError } from '#base';
import { type Address, formatAddress } from '#ip';
import { deviceOfPool, POOL_PORT_OWNER, poolPortDescription } from '#plan/openstack';
import type { Neutron, PortOrder } from './neutron.ts';
import type { Port, Subnet } from './neutron-objects.ts';
import { isUncertain } from './refusal.ts';

/** How many ports are deleted at once. */
const DELETED_AT_ONCE = 8;

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
  readonly #neutron: Pick<Neutron, 'ports' | 'createPort' | 'deletePort'>;

  constructor(neutron: Pick<Neutron, 'ports' | 'createPort' | 'deletePort'>) {
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
   * Makes a port for each address. One that another port has stops no other. Throws if Neutron cannot be asked.
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
    for (const [index, address] of addresses.entries()) {
      try {
        made.push(await this.#neutron.createPort(order(address), options));
      } catch (error) {
        if (!isOrbError(error) || isUncertain(error) || isOfLogin(error)) throw error;
        // Where the quota has no room for one, or the policy allows none, the others are not tried.
        const all = isForAll(error) ? addresses.slice(index) : [address];
        refused.push(...all.map((one) => ({ address: one, error })));
        if (isForAll(error)) break;
      }
    }
    return { made, refused };
  }

  /** One that fails stops no other. Ends early, between requests, where it is not `wanted` any more. */
  async delete(
    ids: readonly string[],
    { signal, wanted = () => true }: CallOptions & { readonly wanted?: (() => boolean) | undefined },
  ): Promise<{ readonly deleted: number; readonly errors: readonly unknown[] }> {
    const errors: unknown[] = [];
    let deleted = 0;
    for (let i = 0; i < ids.length && wanted(); i += DELETED_AT_ONCE) {
      const deletions = ids
        .slice(i, i + DELETED_AT_ONCE)
        .map((id) => this.#neutron.deletePort(id, { signal }));
      for (const one of await Promise.allSettled(deletions))
        if (one.status === 'rejected') errors.push(one.reason);
        else deleted += 1;
      signal.throwIfAborted();
    }
    return { deleted, errors };
  }
}

/** Neutron would accept no other address. */
const isForAll = ({ code }: OrbError): boolean => ['OPENSTACK_QUOTA', 'OPENSTACK_FORBIDDEN'].includes(code);

/** Nobody was asked. */
const isOfLogin = ({ code }: OrbError): boolean =>
  ['OPENSTACK_LOGIN_REFUSED', 'OPENSTACK_CONFIG_INVALID'].includes(code);
