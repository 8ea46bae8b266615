// The subnets of the cluster with their pools, the applications of these, and how many addresses each has.

import type { SpiderIPPool, SpiderSubnet } from '#api';
import { errorText, isOrbError } from '#base';
import { formatCidr, sameCidr } from '#ip';
import { PoolLedger } from '#plan/ipam';
import { isAutomatic, isOfSubnet, nicOf, ownerApplication } from './auto-pool.ts';
import { PoolIndex } from './pool-index.ts';
import { SubnetLedger } from './subnet-ledger.ts';

/** A pool below a subnet. Numbers are undefined if the pool cannot be read or does not exist. */
export interface PoolLeaf {
  readonly pool: string;
  /** `Deployment ns/web`. Undefined for a pool that users wrote. */
  readonly application: string | undefined;
  /** Of an automatic pool. */
  readonly nic: string | undefined;
  readonly total: bigint | undefined;
  readonly held: number | undefined;
  /** What is wrong with the pool. */
  readonly problem: string | undefined;
}

export interface SubnetBranch {
  readonly subnet: string;
  /** Numbers and network are undefined if the subnet cannot be read. */
  readonly network: string | undefined;
  readonly total: bigint | undefined;
  /** Addresses that pools have. */
  readonly taken: bigint | undefined;
  readonly pools: readonly PoolLeaf[];
  readonly problem: string | undefined;
}

export interface SubnetTree {
  readonly subnets: readonly SubnetBranch[];
  /** Pools of networks that no SpiderSubnet has. */
  readonly others: readonly PoolLeaf[];
}

export function subnetTree(subnets: Iterable<SpiderSubnet>, pools: readonly SpiderIPPool[]): SubnetTree {
  const index = new PoolIndex(pools);
  const below = new Set<string>();
  const branches = Array.from(subnets, (object) => {
    const branch = branchOf(object, pools, index);
    for (const { pool } of branch.pools) below.add(pool);
    return branch;
  });
  const others = pools.filter(({ metadata }) => !below.has(metadata.name ?? '')).map(leafOf);
  return { subnets: branches.sort((a, b) => (a.subnet < b.subnet ? -1 : 1)), others: byName(others) };
}

function branchOf(object: SpiderSubnet, pools: readonly SpiderIPPool[], index: PoolIndex): SubnetBranch {
  const subnet = object.metadata.name ?? '';
  const automatic = pools.filter((pool) => isAutomatic(pool) && isOfSubnet(pool, subnet));
  try {
    const ledger = SubnetLedger.read(object);
    const same = index.in(ledger).filter((pool) => {
      const network = index.network(pool);
      return network !== undefined && sameCidr(network.subnet, ledger.network.subnet);
    });
    // Automatic pools of another subnet of the same network belong to that one.
    const own = same.filter((pool) => !isAutomatic(pool) || isOfSubnet(pool, subnet));
    const found = [...new Set([...automatic, ...own])];
    const names = new Set(found.map(({ metadata }) => metadata.name));
    const missing = [...ledger.bookings.keys()].filter((name) => !names.has(name) && !index.has(name));
    const addresses = ledger.network.addresses;
    return {
      subnet,
      network: formatCidr(ledger.network.subnet),
      total: addresses.count,
      taken: addresses.intersection(ledger.heldByOthers('')).count,
      pools: byName([...found.map(leafOf), ...missing.map(bookedOnly)]),
      problem: ledger.terminating ? 'it is being deleted' : undefined,
    };
  } catch (error) {
    if (!isOrbError(error)) throw error;
    const unread = { network: undefined, total: undefined, taken: undefined };
    return { subnet, ...unread, pools: byName(automatic.map(leafOf)), problem: errorText(error) };
  }
}

function leafOf(object: SpiderIPPool): PoolLeaf {
  const owner = ownerApplication(object);
  const named = {
    pool: object.metadata.name ?? '',
    application: owner === undefined ? undefined : `${owner.kind} ${owner.namespace}/${owner.name}`,
    nic: nicOf(object),
  };
  try {
    const { pool, records } = PoolLedger.read(object);
    const problem = pool.terminating
      ? 'it is being deleted'
      : pool.disabled
        ? 'it is disabled'
        : pool.overlap;
    return { ...named, total: pool.addresses.count, held: records.size, problem };
  } catch (error) {
    if (!isOrbError(error)) throw error;
    return { ...named, total: undefined, held: undefined, problem: errorText(error) };
  }
}

function bookedOnly(pool: string): PoolLeaf {
  const problem = 'the subnet keeps addresses for it, but it does not exist (yet)';
  return { pool, application: undefined, nic: undefined, total: undefined, held: undefined, problem };
}

function byName(leaves: readonly PoolLeaf[]): PoolLeaf[] {
  return leaves.toSorted((a, b) => (a.pool < b.pool ? -1 : 1));
}
