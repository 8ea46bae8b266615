// The writes of reclaiming: records of a pool that go with one write, and endpoints. Each write is refused if its object
// was changed since it was read.

import { resources, type SpiderEndpoint } from '#api';
import { BackOff, type Clock, isOrbError } from '#base';
import { parseAddress } from '#ip';
import { type KubeClient, refOf } from '#kube';
import { PoolLedger, samePlace } from '#plan/ipam';
import { type RecordedAddress, unchanged, withoutFinalizer } from '#plan/reclaim';
import type { ReclaimMetrics } from './metrics.ts';

export interface RemovalOptions {
  readonly client: Pick<KubeClient, 'get' | 'patch' | 'delete'>;
  readonly clock: Clock;
  readonly metrics: ReclaimMetrics;
}

/** Other writers of the pool are the leading controller and agents. They write at most every 20 ms each. */
const conflictBackOff = { firstMs: 10, maximumMs: 200 };
const MOST_TRIES = 6;

/**
 * Drops the records that still are as the verdict saw them. Resolves to those that it dropped.
 * @throws KUBE_CONFLICT if other writers always were faster
 */
export async function freeRecords(
  pool: string,
  doomed: readonly RecordedAddress[],
  { client, clock, metrics }: RemovalOptions,
  signal: AbortSignal,
): Promise<readonly RecordedAddress[]> {
  const backOff = new BackOff(conflictBackOff);
  for (let tries = 1; ; tries++) {
    try {
      const object = await client.get(resources.spiderIPPools, { name: pool }, { signal });
      const ledger = PoolLedger.read(object).copy();
      const gone = doomed.filter((record) => drop(ledger, record));
      if (gone.length === 0) return gone;
      const status = { ...ledger.status, allocatedIPs: ledger.status.allocatedIPs ?? null };
      const body = { metadata: unchanged(object), status };
      const patch = { type: 'merge', body, subresource: 'status' } as const;
      await client.patch(resources.spiderIPPools, { name: pool }, patch, { signal });
      metrics.freed(gone.length);
      return gone;
    } catch (error) {
      // A pool that is gone holds nothing.
      if (isOrbError(error, 'KUBE_NOT_FOUND')) return [];
      if (!isOrbError(error, 'KUBE_CONFLICT')) throw error;
      metrics.conflicted();
      if (tries === MOST_TRIES) throw error;
      await clock.sleep(backOff.next(), signal);
    }
  }
}

/** Whether the record was there as the verdict saw it. */
function drop(ledger: PoolLedger, record: RecordedAddress): boolean {
  if (!isUnchanged(ledger, record)) return false;
  ledger.drop(parseAddress(record.address));
  return true;
}

/** Whether the ledger has the record with the same UID, NIC and name, bound at the same place. */
export function isUnchanged(
  ledger: PoolLedger,
  { address, podUid, nic, pod, iaas }: RecordedAddress,
): boolean {
  const holder = ledger.holderOf(parseAddress(address));
  const isSameOwner = holder?.podUid === podUid && holder.nic === nic && holder.pod === pod;
  return isSameOwner && samePlace(holder.iaas, iaas);
}

/** Every record of the pool's ledger. */
export function recordsOf(ledger: PoolLedger): RecordedAddress[] {
  return Array.from(ledger.records, ([address, { pod, podUid, nic, iaas }]) => ({
    pool: ledger.pool.name,
    ...(ledger.pool.terminating && { poolEnds: true }),
    address,
    pod,
    podUid,
    nic,
    ...(iaas !== undefined && { iaas }),
  }));
}

/** Deletes the endpoint as it was seen. One that was changed since may belong to a newer pod, and stays. */
export async function removeEndpoint(
  endpoint: SpiderEndpoint,
  { client }: Pick<RemovalOptions, 'client'>,
  signal: AbortSignal,
): Promise<boolean> {
  const type = resources.spiderEndpoints;
  const ref = refOf(endpoint);
  const body = withoutFinalizer(endpoint);
  try {
    const bare =
      body === undefined ? endpoint : await client.patch(type, ref, { type: 'merge', body }, { signal });
    // The deletion of an endpoint that waits for finalizers of others has begun already.
    if (bare.metadata.deletionTimestamp !== undefined) return true;
    const { uid, resourceVersion } = bare.metadata;
    const preconditions = {
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    await client.delete(type, ref, preconditions, { signal });
    return true;
  } catch (error) {
    if (isOrbError(error, 'KUBE_NOT_FOUND')) return true;
    if (isOrbError(error, 'KUBE_CONFLICT')) return false;
    throw error;
  }
}
