// The work of `orbctl gc`: the same judgement and the same writes as the controller's.

import { type Clock, errorText, isOrbError, silentLogger } from '#base';
import type { KubeClient } from '#kube';
import { PoolLedger } from '#plan/ipam';
import { defaultReclaimSettings, type RecordedAddress } from '#plan/reclaim';
import type { Paint } from '#program';
import { type Judged, Reclaimer, type ReclaimMetrics, recordsOf, surveyCluster } from '#reclaim';
import type { GcFlags } from '../gc.ts';
import { type GcReport, reportJson, reportText } from './report.ts';

const uncounted: ReclaimMetrics = { freed: () => {}, failed: () => {}, conflicted: () => {} };

/** Throws what the API server answers if it cannot be read or written. */
export async function runGc(
  client: KubeClient,
  clock: Clock,
  { dryRun, output }: GcFlags,
  paint: Paint,
): Promise<string> {
  const { signal } = new AbortController();
  const reclaimer = new Reclaimer({
    ...{ client, clock, log: silentLogger, metrics: uncounted, settings: defaultReclaimSettings },
    askNode: async () => 'unknown',
  });
  const { pools, sight } = await surveyCluster(client, signal);
  const sinceMs = clock.now();
  const absence = () => ({ sinceMs });
  const judged: Judged[] = [];
  const unreadable: { pool: string; error: string }[] = [];
  for (const object of pools) {
    const pool = object.metadata.name ?? '';
    try {
      for (const record of recordsOf(PoolLedger.read(object))) {
        judged.push(await reclaimer.judge(record, { sight, absence }));
      }
    } catch (error) {
      if (!isOrbError(error)) throw error;
      unreadable.push({ pool, error: errorText(error) });
    }
  }
  const knowledge = { absence, podWithUid: (uid: string) => sight.podWithUid(uid) };
  const report: GcReport = {
    judged: dryRun
      ? judged
      : await freed(judged, (pool, records) => reclaimer.reclaim(pool, records, knowledge, signal)),
    unreadable,
    dryRun,
  };
  return output === 'json' ? reportJson(report) : reportText(report, paint);
}

/** Frees what may be freed. The verdicts of that moment take the place of the first ones. */
async function freed(
  judged: readonly Judged[],
  reclaim: (pool: string, records: readonly RecordedAddress[]) => Promise<Judged[]>,
): Promise<Judged[]> {
  const candidates = Map.groupBy(
    judged.flatMap(({ record, verdict }) => (verdict.action === 'free' ? [record] : [])),
    ({ pool }) => pool,
  );
  const results = new Map<RecordedAddress, Judged>();
  for (const [pool, records] of candidates) {
    for (const one of await reclaim(pool, records)) results.set(one.record, one);
  }
  return judged.map((one) => results.get(one.record) ?? one);
}
