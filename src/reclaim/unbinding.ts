// Before a pool drops the record of an address that the provider of an IaaS may have bound, the provider lets it go.

import { resources } from '#api';
import { errorText, isOrbError, type Logger } from '#base';
import { parseAddress } from '#ip';
import type { KubeClient } from '#kube';
import { type BoundAddress, boundAddress } from '#plan/iaas';
import { PoolLedger } from '#plan/ipam';
import type { RecordedAddress } from '#plan/reclaim';
import { inParallel } from './in-parallel.ts';
import { isUnchanged } from './removal.ts';

/** The provider of an IaaS, as a port. */
export interface Provider {
  /** False: none is configured. */
  readonly isThere: boolean;
  /** The provider lets the address go, if it has bound it. */
  release(bound: BoundAddress, signal: AbortSignal): Promise<void>;
}

export interface UnbindingOptions {
  readonly client: Pick<KubeClient, 'get'>;
  readonly log: Logger;
  readonly iaas: Provider;
}

/** Resolves to the records that may be dropped now. Those that the provider has not let go of are told of in the log. */
export async function unbound(
  pool: string,
  doomed: readonly RecordedAddress[],
  { client, log, iaas }: UnbindingOptions,
  signal: AbortSignal,
): Promise<readonly RecordedAddress[]> {
  if (doomed.every((record) => record.iaas === undefined)) return doomed;
  // A record that has changed since the verdict may be one of another pod, and the provider must keep that one.
  const ledger = await ledgerNow(pool, client, signal);
  if (ledger === undefined) return [];
  const kept = await inParallel(doomed, async (record) => {
    const bound = boundAddress(ledger, parseAddress(record.address));
    if (record.iaas === undefined) return [record];
    if (bound === undefined || !isUnchanged(ledger, record)) return [];
    try {
      await iaas.release(bound, signal);
      return [record];
    } catch (error) {
      const { address, pod } = record;
      const fields = { pool, address, pod, error: errorText(error) };
      log.warn(fields, 'the provider does not let an address go; it is asked again later');
      return [];
    }
  });
  return kept.flat();
}

/** Undefined if the pool is gone. */
async function ledgerNow(
  name: string,
  client: UnbindingOptions['client'],
  signal: AbortSignal,
): Promise<PoolLedger | undefined> {
  try {
    return PoolLedger.read(await client.get(resources.spiderIPPools, { name }, { signal }));
  } catch (error) {
    if (isOrbError(error, 'KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}
