// Pools whose addresses Neutron reserves: a port for each address, so that no VM gets it. Which ports are missing, which are
// not needed any more, and what the status of the pool says.

import type { SpiderIPPool } from '#api';
import { type Address, AddressSet, type Family, formatAddress, tryParseAddress } from '#ip';
import { PROVIDER_ANNOTATION } from '#plan/ipam';
import type { PortAddress } from './port-ledger.ts';

/** The value of `ipam.spidernet.io/iaas-provider` that means us. */
export const NEUTRON_PROVIDER = 'neutron';
/** On a SpiderIPPool: the id of the network of Neutron that has its addresses. */
export const NETWORK_ANNOTATION = 'openstack.orbweaver.io/network';
/** Who uses the port, in Neutron's words. */
export const POOL_PORT_OWNER = 'orbweaver:pool';
/** A larger pool needs too many ports. */
export const MOST_POOL_PORTS = 4096n;

/** Neutron allows 255 characters of a description. */
const NAME_MAXIMUM = 150;

/** Whether Neutron reserves the addresses of the pool. */
export function isOfNeutron({ metadata }: Pick<SpiderIPPool, 'metadata'>): boolean {
  return metadata.annotations?.[PROVIDER_ANNOTATION] === NEUTRON_PROVIDER;
}

/** The network that the pool names. Undefined if it names none, or if the text cannot be an id. */
export function networkOfPool({ metadata }: Pick<SpiderIPPool, 'metadata'>): string | undefined {
  const id = metadata.annotations?.[NETWORK_ANNOTATION];
  return id !== undefined && /^[\w-]{1,64}$/.test(id) ? id : undefined;
}

/** The device that all ports of a pool name, and no others. */
export const deviceOfPool = (poolUid: string): string => `orbweaver-pool-${poolUid}`;

/** The UID of the pool that a port was made for. */
export function poolUidOf({ device_id: device }: { readonly device_id: string }): string | undefined {
  return /^orbweaver-pool-(.+)$/.exec(device)?.[1];
}

/** What an operator reads on a port. */
export const poolPortDescription = (pool: string, cluster: string): string =>
  `orbweaver: pool ${pool.slice(0, NAME_MAXIMUM)}, cluster ${cluster}`;

/** Whether the cluster has made the port for a pool. */
export const isPoolPortOf = (
  port: { readonly device_owner: string; readonly description: string },
  cluster: string,
): boolean => port.device_owner === POOL_PORT_OWNER && port.description.endsWith(`, cluster ${cluster}`);

export interface PoolPort {
  readonly id: string;
  readonly fixed_ips: readonly PortAddress[];
}

export interface PoolPortStep {
  /** Of the pool, without a port. */
  readonly missing: AddressSet;
  /** Ids of ports that no pod can need: see {@link poolPortStep}. */
  readonly surplus: readonly string[];
}

/**
 * `wanted`: the addresses that the pool offers. `held`: those of pods, which keep their ports. `told`: what the status says
 * is ready. An address leaves the status before its port is deleted, so no pod can get it in between.
 */
export function poolPortStep(
  wanted: AddressSet,
  { held, told }: { readonly held: AddressSet; readonly told: AddressSet },
  ports: readonly PoolPort[],
): PoolPortStep {
  const { family } = wanted;
  const kept = wanted.union(held).union(told);
  const surplus = ports.filter((port) => addressesOf(family, [port]).intersection(kept).isEmpty);
  return { missing: wanted.difference(addressesOf(family, ports)), surplus: surplus.map(({ id }) => id) };
}

/** The addresses of the family that these ports have. */
export function addressesOf(family: Family, ports: readonly Pick<PoolPort, 'fixed_ips'>[]): AddressSet {
  const all = ports.flatMap(({ fixed_ips }) =>
    fixed_ips.flatMap(({ ip_address }) => tryParseAddress(ip_address) ?? []),
  );
  return AddressSet.ofAddresses(
    family,
    all.filter((address) => address.family === family),
  );
}

/** The field `ipMetaData` of a pool's status: which of the addresses that it offers are ready. */
export function ipMetaDataOf(
  offered: AddressSet,
  ready: AddressSet,
  generation: number | undefined,
): NonNullable<NonNullable<SpiderIPPool['status']>['ipMetaData']> {
  const entries = listed(offered.intersection(ready)).map((address) => [formatAddress(address), {}]);
  return {
    metadata: JSON.stringify(Object.fromEntries(entries)),
    ...(generation !== undefined && { observedGeneration: generation }),
    readyIPCount: entries.length,
    unreadyIPCount: Number(offered.count) - entries.length,
  };
}

/** The first addresses of a set, in order. All by default: for sets that are known to be small. */
export function listed(addresses: AddressSet, most = Number.POSITIVE_INFINITY): Address[] {
  const list: Address[] = [];
  for (const { first, last } of addresses.ranges)
    for (let { value } = first; value <= last.value; value++) {
      if (list.length >= most) return list;
      list.push({ family: addresses.family, value });
    }
  return list;
}
