// The work of `orbctl gc`: the same judgement and the same writes as the controller's.

import { type Clock, errorText, isOrbError, silentLogger } from '#base';
import type { KubeClient } from '#kube';
import { PoolLedger } from '#plan/ipam';
import { defaultReclaimSettings, type RecordedAddress } from '#plan/reclaim';
import type { Paint } from '#program';
import {
  type AskNode,
  type Judged,
  Reclaimer,
  type ReclaimMetrics,
  recordsOf,
  surveyCluster,
} from '#reclaim';
import type { GcFlags } from '../gc.ts';
import type { NodesByLeader } from './nodes.ts';
import { type GcReport, type GcRow, reportJson, reportText } from './report.ts';

const uncounted: ReclaimMetrics = { freed: () => {}, failed: () => {}, conflicted: () => {} };

/** This command cannot wait. The leader has led for a while, so all agents are with it. */
const settings = { ...defaultReclaimSettings, unknownNodePatienceMs: 0 };

/** The agents, which the leading controller asks. */
export type AskNodes = Pick<NodesByLeader, 'ask' | 'problem'>;

/** Throws what the API server answers if it cannot be read or written. */
export async function runGc(
  client: KubeClient,
  clock: Clock,
  nodes: AskNodes,
  { dryRun, output }: GcFlags,
  paint: Paint,
): Promise<string> {
  const { signal } = new AbortController();
  const askNode: AskNode = (node, podUid) => nodes.ask(node?.metadata.name, podUid);
  const reclaimer = new Reclaimer({
    ...{ client, clock, log: silentLogger, metrics: uncounted, settings },
    askNode,
    iaas: undefined,
  });
  const { pools, sight } = await surveyCluster(client, signal);
  const sinceMs = clock.now();
  const absence = () => ({ sinceMs });
  const judged: GcRow[] = [];
  const unreadable: { pool: string; error: string }[] = [];
  for (const object of pools) {
    const pool = object.metadata.name ?? '';
    try {
      for (const record of recordsOf(PoolLedger.read(object))) {
        const atBest = await reclaimer.judge(record, { sight, absence, askNode: async () => 'gone' });
        // No answer of the node would change this verdict.
        if (atBest.verdict.action === 'keep') judged.push({ ...atBest, isNodeAsked: false });
        else judged.push(asked(await reclaimer.judge(record, { sight, absence })));
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
      : await freed(judged, async (pool, records) => {
          return (await reclaimer.reclaim(pool, records, knowledge, signal)).map(asked);
        }),
    unreadable,
    unasked: nodes.problem,
    dryRun,
  };
  return output === 'json' ? reportJson(report) : reportText(report, paint);
}

/** A node that does not exist has no agent. */
function asked(judged: Judged): GcRow {
  return { ...judged, isNodeAsked: judged.facts.node?.state !== 'absent' };
}

/** Frees what may be freed. The verdicts of that moment take the place of the first ones. */
async function freed(
  judged: readonly GcRow[],
  reclaim: (pool: string, records: readonly RecordedAddress[]) => Promise<GcRow[]>,
): Promise<GcRow[]> {
  const candidates = Map.groupBy(
    judged.flatMap(({ record, verdict }) => (verdict.action === 'free' ? [record] : [])),
    ({ pool }) => pool,
  );
  const results = new Map<RecordedAddress, GcRow>();
  for (const [pool, records] of candidates) {
    for (const one of await reclaim(pool, records)) results.set(one.record, one);
  }
  return judged.map((one) => results.get(one.record) ?? one);
}
