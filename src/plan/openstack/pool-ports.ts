// Pools whose addresses Neutron reserves: a port for each address, so that no VM gets it. Which ports are missing, which are
// not needed any more, and what the status of the pool says.

import type { SpiderIPPool } from '#api';
import { type Address, AddressSet, type Family, formatAddress, tryParseAddress } from '#ip';
import { type PoolLedger, PROVIDER_ANNOTATION, type Provision } from '#plan/ipam';
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

/** Whether the cluster has made the port for a pool. One with another device serves something else now. */
export const isPoolPortOf = (
  port: { readonly device_owner: string; readonly device_id: string; readonly description: string },
  cluster: string,
): boolean =>
  port.device_owner === POOL_PORT_OWNER &&
  poolUidOf(port) !== undefined &&
  port.description.endsWith(`, cluster ${cluster}`);

export interface PoolPort {
  readonly id: string;
  readonly fixed_ips: readonly PortAddress[];
}

export interface PoolPortStep {
  /** Of the pool, without a port. */
  readonly missing: AddressSet;
  /** Have a port in the subnet of the pool. */
  readonly reserved: AddressSet;
  /** Ids of ports that no pod can need: see {@link poolPortStep}. */
  readonly surplus: readonly string[];
}

/** What keeps ports, beside what the pool offers. */
export interface PoolSights {
  /** The id of the pool's subnet. A pool that now names another network has ports in the one before. */
  readonly subnet: string;
  /** The addresses of pods. */
  readonly held: AddressSet;
  /** What the status says is ready. */
  readonly told: AddressSet;
}

/**
 * `wanted`: the addresses that the pool offers. An address leaves the status before its port is deleted, so no pod can
 * get it in between. Those of pods keep their ports.
 */
export function poolPortStep(
  wanted: AddressSet,
  { subnet, held, told }: PoolSights,
  ports: readonly PoolPort[],
): PoolPortStep {
  const { family } = wanted;
  const [inside = [], outside = []] = [true, false].map((isIn) =>
    ports.filter(({ fixed_ips }) => fixed_ips.some(({ subnet_id }) => subnet_id === subnet) === isIn),
  );
  const reserved = addressesOf(family, inside);
  return {
    missing: wanted.difference(reserved),
    reserved,
    surplus: [
      ...portsWithout(wanted.union(held).union(told), inside),
      ...portsWithout(held.union(told.difference(reserved)), outside),
    ],
  };
}

/** The ids of the ports that have none of these addresses. */
function portsWithout(kept: AddressSet, ports: readonly PoolPort[]): string[] {
  return ports
    .filter((port) => addressesOf(kept.family, [port]).intersection(kept).isEmpty)
    .map(({ id }) => id);
}

/** Ports of a pool that is not Neutron's any more. */
export interface LeavingPorts {
  /** Whether the status still says what we wrote. It must not, before the first port is deleted. */
  readonly isTold: boolean;
  /** Ids of the ports whose addresses no pod holds. */
  readonly surplus: readonly string[];
}

export function leavingPorts(
  { held, pool: { provision } }: PoolLedger,
  { status }: Pick<SpiderIPPool, 'status'>,
  ports: readonly PoolPort[],
): LeavingPorts {
  const surplus = portsWithout(held, ports);
  const isOurs = provision === undefined || (surplus.length > 0 && tellsOf(ports, provision));
  return { isTold: status?.ipMetaData !== undefined && isOurs, surplus };
}

/** Whether it says nothing but what we say of these ports. Another provider demands MAC addresses or VLANs. */
function tellsOf(ports: readonly PoolPort[], provision: Provision): boolean {
  const { ready } = provision;
  if (ready.isEmpty || !ready.difference(addressesOf(ready.family, ports)).isEmpty) return false;
  return listed(ready).every((address) => provision.linkOf(address) === undefined);
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
