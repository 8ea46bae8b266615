// Builds pools and picks for the tests of this folder.

import { resources, type SpiderIPPool } from '#api';
import { AddressSet } from '#ip';
import type { KnownPools } from './allocate.ts';
import type { PoolLedger } from './ledger.ts';
import type { PickContext } from './pick.ts';

export type SpecFields = Partial<NonNullable<SpiderIPPool['spec']>>;

/** A pool of 10.6.0.0/16 with ten addresses by default. It has the defaults that the API server sets. */
export function poolObject(name: string, spec: SpecFields = {}, records: object = {}): SpiderIPPool {
  return resources.spiderIPPools.schema.parse({
    metadata: { name },
    spec: { subnet: '10.6.0.0/16', ips: ['10.6.0.10-10.6.0.19'], gateway: '10.6.0.1', ...spec },
    ...(Object.keys(records).length > 0 && { status: { allocatedIPs: JSON.stringify(records) } }),
  });
}

/** The pools to choose from, if all have this ledger. */
export function only(ledger: PoolLedger): KnownPools {
  return { ledger: () => ledger, mayHold: () => true };
}

/** No address is reserved or resting. */
export function pickContext(changes: Partial<PickContext> = {}): PickContext {
  const reserved = { 4: AddressSet.empty(4), 6: AddressSet.empty(6) };
  return { reserved, resting: new Map(), nowMs: 1_000_000, ...changes };
}
