// The records of a pool whose pod is not there: kept for the next pod of a fixed name, or left behind.

import type { Clock } from '#base';
import type { PoolLedger } from '#plan/ipam';
import { defaultReclaimSettings, reclaimVerdict } from '#plan/reclaim';
import { reclaimFacts, recordsOf, refOfPod, surveyCluster } from '#reclaim';
import type { PartialReader } from '../partial-reader.ts';

export interface AbsentHolder {
  readonly address: string;
  readonly pod: string;
  /** `left`: the verdict of `orbctl gc` frees it, now or later. */
  readonly state: 'kept' | 'left';
  readonly why: string;
}

/** A record without pod and endpoint may be of a virtual machine, which is read from the server. */
const PARALLEL_READS = 16;

/** Empty, with a note of the reader, if the user may not read pods and their owners. */
export async function absentHolders(
  ledger: PoolLedger,
  reader: PartialReader,
  clock: Clock,
): Promise<AbsentHolder[]> {
  if (ledger.records.size === 0) return [];
  const { signal } = new AbortController();
  const so = 'held addresses may be of pods that are gone, because pods and their owners cannot be read';
  const survey = await reader.attempt(so, () => surveyCluster(reader.client, signal));
  if (survey === undefined) return [];
  const { sight } = survey;
  const nowMs = clock.now();
  const sources = {
    sight,
    absence: () => ({ sinceMs: nowMs }),
    askNode: async () => 'unknown' as const,
    nowMs,
  };
  const absent = recordsOf(ledger).filter(
    ({ podUid, pod }) => sight.pod(podUid, refOfPod(pod)) === undefined,
  );
  const found: AbsentHolder[] = [];
  for (let at = 0; at < absent.length; at += PARALLEL_READS) {
    const judged = absent.slice(at, at + PARALLEL_READS).map(async (record): Promise<AbsentHolder> => {
      const { action, why } = reclaimVerdict(await reclaimFacts(record, sources), defaultReclaimSettings);
      const { address, pod } = record;
      return { address, pod, state: action === 'keep' ? 'kept' : 'left', why };
    });
    found.push(...(await Promise.all(judged)));
  }
  return found;
}
