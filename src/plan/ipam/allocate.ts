// Chooses a pool for each NIC and family of a pod, all together. If one is impossible, it throws an error and chooses
// none.

import { isOrbError, OrbError } from '#base';
import { type Address, type Cidr, type Family, formatAddress } from '#ip';
import type { FamilyCandidates, NicCandidates } from './candidates.ts';
import type { AddressOwner, PoolLedger } from './ledger.ts';
import { nicOwner, type PodOwner } from './nic-owner.ts';
import { type PickContext, pickAddress } from './pick.ts';
import type { Pool } from './pool.ts';
import type { RequestedAddress } from './requested-address.ts';

/** An address for a NIC. It is tentative until the pool's committer has picked and written it. */
export interface Assignment {
  readonly nic: string;
  readonly family: Family;
  readonly pool: Pool;
  readonly address: Address;
  /** The owner already had it. */
  readonly held: boolean;
  /** Whether only this address will do. */
  readonly requested?: boolean;
  readonly cleanGateway: boolean;
}

/** The address as the interface has it, with the prefix length of the pool's subnet. */
export function interfaceAddress({ address, pool }: Pick<Assignment, 'address' | 'pool'>): Cidr {
  return { address, prefixLength: pool.subnet.prefixLength };
}

/** The pools to choose from. */
export interface KnownPools {
  /** Throws an OrbError if the pool cannot be read. */
  ledger(pool: string): PoolLedger;
  /** Whether the pool may have a record for the owner. The answer costs less than the ledger. */
  mayHold(pool: string, owner: AddressOwner): boolean;
}

/**
 * Chooses a pool for every NIC and family, by picking an address of it. A pool in which the owner holds an address comes
 * first. Otherwise it is the first pool that has a free address. Nothing is recorded here, and the addresses are
 * tentative. The caller sends an `allocate` operation to each pool's committer, which picks again on newer state: the
 * caller takes the address of that pick. If one is refused, the caller chooses again.
 */
export function choosePools(
  pod: PodOwner,
  candidates: readonly NicCandidates[],
  pools: KnownPools,
  context: PickContext,
): Assignment[] {
  const working = new Map<string, PoolLedger>();
  let { reserved } = context;
  const assignments: Assignment[] = [];
  for (const { nic, cleanGateway, families } of candidates) {
    for (const one of families) {
      const { family } = one;
      const owner = nicOwner(pod, nic);
      const ledger = (name: string) => working.get(name) ?? pools.ledger(name);
      const known: KnownPools = { ledger, mayHold: (name, who) => pools.mayHold(name, who) };
      const { name, address, held } = chooseOne(owner, one, known, { ...context, reserved });
      const { pool } = ledger(name);
      if (isShared(name, candidates)) {
        const changed = ledger(name).copy();
        changed.take(address, owner);
        working.set(name, changed);
      }
      // Two pools may overlap in spite of admission. They must not give one address to two NICs.
      reserved = { ...reserved, [family]: reserved[family].with(address) };
      const requested = one.requested !== undefined;
      assignments.push({
        nic,
        family,
        pool,
        address,
        held,
        cleanGateway,
        ...(requested && { requested }),
      });
    }
  }
  return assignments;
}

/** Whether two NICs of the pod may use the pool. If not, no pick depends on another, and no records are copied. */
function isShared(pool: string, candidates: readonly NicCandidates[]): boolean {
  const users = candidates.filter(({ families }) => families.some(({ pools }) => pools.includes(pool)));
  return users.length > 1;
}

function chooseOne(
  owner: AddressOwner,
  { family, pools, requested, leftOut = [] }: FamilyCandidates,
  known: KnownPools,
  context: PickContext,
): { name: string; address: Address; held: boolean } {
  const reasons: string[] = [];
  let first: { name: string; address: Address } | undefined;
  let isTaken = false;
  for (const name of pools) {
    // Of the pools after the first with a free address, only one that holds the owner's address matters.
    if (first !== undefined && !known.mayHold(name, owner)) continue;
    try {
      const pick = pickAddress(known.ledger(name), owner, context, requested?.address);
      if (pick.address === undefined) {
        isTaken ||= pick.isTaken === true;
        reasons.push(`${name}: ${pick.reason}`);
      } else if (pick.held) return { name, address: pick.address, held: true };
      else first ??= { name, address: pick.address };
    } catch (error) {
      if (!isOrbError(error)) throw error;
      reasons.push(error.message);
    }
  }
  if (first === undefined && requested !== undefined) {
    throw notGiven(owner.nic, requested, isTaken, [...reasons, ...leftOut]);
  }
  if (first === undefined) throw exhausted(owner.nic, family, pools, [...reasons, ...leftOut]);
  return { ...first, held: false };
}

/** `reasons` are those of the pools that were tried and of those that were left out before. */
function exhausted(
  nic: string,
  family: Family,
  pools: readonly string[],
  reasons: readonly string[],
): OrbError {
  const message = `failed to allocate any IPv${family} IP address to NIC ${nic} from IPPools [${pools.join(' ')}]: [${reasons.join(', ')}]`;
  return new OrbError('IPPOOL_EXHAUSTED', { message, subject: `NIC ${nic}` });
}

function notGiven(
  nic: string,
  { address, field }: RequestedAddress,
  isTaken: boolean,
  reasons: readonly string[],
): OrbError {
  const message = `${field} requests ${formatAddress(address)} for interface ${nic}: ${reasons.join(', ')}`;
  return new OrbError(isTaken ? 'ADDRESS_REQUEST_TAKEN' : 'ADDRESS_REQUEST_UNSERVED', {
    message,
    subject: field,
  });
}
