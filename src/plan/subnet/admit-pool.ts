// What admission asks of a pool because of the subnet that it is in.

import type { SpiderIPPool, SpiderSubnet } from '#api';
import { sameCidr } from '#ip';
import type { AdmissionIssue, PoolNetwork } from '#plan/ipam';
import { tryRead } from './admit-subnet.ts';
import {
  inherited,
  inheritedAnnotations,
  isAutomatic,
  OWNER_SUBNET_LABEL,
  ownerReference,
} from './auto-pool.ts';
import { labelValue } from './pool-name.ts';
import { networkOfPool, rangesText } from './pool-write.ts';
import type { SubnetLedger } from './subnet-ledger.ts';

/**
 * A pool of the network of a subnet belongs to the subnet: it gets the label and the owner, so that it goes with the
 * subnet, and what it can inherit if it has none. A pool that belongs to it already is not changed.
 */
export function poolInSubnet(pool: SpiderIPPool, subnets: Iterable<SpiderSubnet>): SpiderIPPool {
  const { metadata, spec } = pool;
  const subnet = ownerOf(pool, subnets)?.object;
  if (spec === undefined || subnet === undefined || metadata.deletionTimestamp !== undefined) return pool;
  const label = labelValue(subnet.metadata.name ?? '');
  const owner = ownerReference(subnet);
  const owners = metadata.ownerReferences ?? [];
  const isOwned = owners.some(({ uid }) => uid === owner.uid);
  if (isOwned && metadata.labels?.[OWNER_SUBNET_LABEL] === label) return pool;
  // An object has one controlling owner at most. Another one keeps its place.
  const isControlled = owners.some(({ controller }) => controller === true);
  return {
    ...pool,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [OWNER_SUBNET_LABEL]: label },
      annotations: { ...inheritedAnnotations(subnet), ...metadata.annotations },
      ownerReferences: isOwned || isControlled ? owners : [...owners, owner],
    },
    spec: { ...inherited(subnet), ...spec },
  };
}

/**
 * Checks the addresses of a pool that is new or gets other ones. They must be those of its subnet, and of no other
 * pool's booking. Those of an automatic pool are the ones that its subnet booked for it.
 */
export function validatePoolInSubnet(
  pool: SpiderIPPool,
  old: SpiderIPPool | undefined,
  subnets: Iterable<SpiderSubnet>,
): AdmissionIssue[] {
  const ledger = ownerOf(pool, subnets);
  const network = networkOfPool(pool);
  if (ledger === undefined || network === undefined || pool.metadata.deletionTimestamp !== undefined)
    return [];
  const before = old === undefined ? undefined : networkOfPool(old);
  // An automatic pool begins without addresses.
  if (before === undefined ? network.addresses.isEmpty : before.addresses.equals(network.addresses))
    return [];
  const text = isAutomatic(pool) ? automaticIssue(pool, network, ledger) : manualIssue(pool, network, ledger);
  if (text === undefined) return [];
  return [{ field: 'spec.ips', value: pool.spec?.ips ?? [], message: text, forbidden: true }];
}

function manualIssue(
  { metadata }: SpiderIPPool,
  network: PoolNetwork,
  ledger: SubnetLedger,
): string | undefined {
  const outside = network.addresses.difference(ledger.network.addresses);
  if (!outside.isEmpty) {
    return `add some IP ranges ${rangesText(outside)} that are not contained in controller Subnet ${ledger.name}, total IP addresses of an IPPool are jointly determined by 'spec.ips' and 'spec.excludeIPs'`;
  }
  const booked = network.addresses.intersection(ledger.heldByOthers(metadata.name ?? ''));
  if (booked.isEmpty) return undefined;
  return `Subnet ${ledger.name} keeps the IP ranges ${rangesText(booked)} for other IPPools: see its 'status.controlledIPPools'`;
}

function automaticIssue(
  { metadata }: SpiderIPPool,
  network: PoolNetwork,
  ledger: SubnetLedger,
): string | undefined {
  const booking = ledger.bookings.get(metadata.name ?? '');
  if (booking?.wanted.equals(network.addresses) === true) return undefined;
  return "it's illegal to update AutoPool.Spec.IPs that are different from corresponding SpiderSubnet.Status.ControlledIPPools";
}

/**
 * The subnet of the pool's network. Of several, which were stored past admission, it is the one that owns the pool, or else
 * the one that keeps the network.
 */
function ownerOf(pool: SpiderIPPool, subnets: Iterable<SpiderSubnet>): SubnetLedger | undefined {
  const network = networkOfPool(pool);
  if (network === undefined) return undefined;
  const fitting = Array.from(subnets).flatMap((subnet) => {
    const ledger = subnet.metadata.deletionTimestamp === undefined ? tryRead(subnet) : undefined;
    return ledger !== undefined && sameCidr(ledger.network.subnet, network.subnet) ? [ledger] : [];
  });
  const owners = (pool.metadata.ownerReferences ?? []).map(({ uid }) => uid);
  return (
    fitting.find(({ object }) => owners.includes(object.metadata.uid ?? '')) ??
    fitting.find(({ overlap }) => overlap === undefined)
  );
}
