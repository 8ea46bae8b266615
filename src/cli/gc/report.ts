// The verdicts of `orbctl gc` as text or JSON.

import { timeText } from '#base';
import { reasonSinceMs } from '#plan/reclaim';
import type { Paint } from '#program';
import type { Judged } from '#reclaim';
import { oneLine } from '../one-line.ts';
import { tableLines } from '../table.ts';

/** One recorded address. `isNodeAsked`: whether the verdict depends on what the agent of its node said. */
export interface GcRow extends Judged {
  readonly isNodeAsked: boolean;
}

export interface GcReport {
  readonly judged: readonly GcRow[];
  /** Pools whose records cannot be read. Nothing of them is freed. */
  readonly unreadable: readonly { readonly pool: string; readonly error: string }[];
  /** Why the nodes could not be asked. */
  readonly unasked: string | undefined;
  readonly dryRun: boolean;
}

const HEAD = ['POOL', 'ADDRESS', 'HOLDER', 'NIC', 'SANDBOX', 'VERDICT', 'SINCE', 'REASON'];

export function reportText({ judged, unreadable, unasked, dryRun }: GcReport, paint: Paint): string {
  const rows = judged.map((one) => {
    const { record, verdict } = one;
    const { pool, address, pod, nic = '-' } = record;
    const place = [pool, address, pod, nic, sandboxOf(one) ?? '-'];
    return [...place, verdictWord(one), timeOf(one) ?? '-', verdict.why];
  });
  const [head = '', ...lines] = tableLines(HEAD, rows);
  const count = (action: string) => judged.filter(({ verdict }) => verdict.action === action).length;
  const gone = dryRun
    ? `${count('free')} would be freed`
    : `${judged.filter(({ freed }) => freed).length} freed`;
  return [
    ...(rows.length === 0 ? [] : [head]),
    ...lines.map((line, index) => paint(toneOf(judged[index]), line)),
    ...(unasked === undefined ? [] : [paint('bad', `the nodes could not be asked: ${unasked}`)]),
    ...unreadable.map(({ pool, error }) => paint('bad', oneLine(`pool ${pool} is left alone: ${error}`))),
    `${judged.length} recorded addresses: ${gone}, ${count('wait')} wait, ${count('keep')} kept`,
  ].join('\n');
}

export function reportJson({ judged, unreadable, unasked }: GcReport): string {
  const addresses = judged.map((one) => {
    const { record, verdict, freed } = one;
    const { action, why } = verdict;
    return {
      ...{ pool: record.pool, address: record.address, pod: record.pod, podUid: record.podUid },
      ...{
        nic: record.nic ?? null,
        sandbox: sandboxOf(one) ?? null,
        verdict: action,
        freed,
        reason: why,
        since: timeOf(one) ?? null,
      },
      ...(verdict.action === 'wait' && { until: timeText(verdict.untilMs) }),
    };
  });
  return JSON.stringify({ addresses, unreadable, nodesUnasked: unasked ?? null }, undefined, 2);
}

/** What the node's agent said. Undefined where nothing depends on it. */
function sandboxOf({ facts, isNodeAsked }: GcRow): string | undefined {
  return isNodeAsked ? facts.sandbox : undefined;
}

function verdictWord({ verdict, freed }: Judged): string {
  return freed ? 'freed' : verdict.action;
}

function timeOf({ facts }: Judged): string | undefined {
  const ms = reasonSinceMs(facts);
  return ms === undefined ? undefined : timeText(ms);
}

function toneOf(judged: Judged | undefined) {
  if (judged?.freed === true) return 'good' as const;
  return judged?.verdict.action === 'free' ? ('bad' as const) : ('faint' as const);
}
