// Job: pods that run to their end, until enough have succeeded or too many have failed. Indexed jobs run like other jobs.

import { type Condition, type Job, type Pod, resources } from '#api';
import { keyOf } from '#kube';
import {
  type Action,
  controlledOf,
  controllerKeys,
  splitKey,
  statusActions,
  withCondition,
} from '#reconcile';
import type { LabController } from './cluster-state.ts';
import { isActive, isReady } from './pod-state.ts';
import { inBursts, podFromTemplate } from './pod-template.ts';

const type = resources.jobs;

/** The wait after a failure; it doubles after each. kube-controller-manager waits ten times as long, but labs live shorter. */
const backOffMs = { first: 1000, most: 36_000 };

/** How a job ended. */
interface Verdict {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

/** The counts of a job's pods. */
interface Tally {
  readonly active: readonly Pod[];
  readonly succeeded: number;
  readonly failed: readonly Pod[];
}

function tallyOf(pods: readonly Pod[]): Tally {
  return {
    active: pods.filter(isActive),
    succeeded: pods.filter(({ status }) => status?.phase === 'Succeeded').length,
    failed: pods.filter(({ status }) => status?.phase === 'Failed'),
  };
}

/** The condition that says that a job has ended. */
export function endOf({ status }: Job): Condition | undefined {
  return status?.conditions?.find(
    (it) => (it.type === 'Complete' || it.type === 'Failed') && it.status === 'True',
  );
}

function verdictOf({ spec, status }: Job, tally: Tally, now: string): Verdict | undefined {
  const { completions, backoffLimit = 6, activeDeadlineSeconds } = spec ?? {};
  const { active, succeeded, failed } = tally;
  if (failed.length > backoffLimit) {
    const message = 'Job has reached the specified backoff limit';
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message };
  }
  const isDone = completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions;
  if (isDone) {
    const message = 'Reached expected number of succeeded pods';
    return { type: 'Complete', reason: 'CompletionsReached', message };
  }
  const age = Date.parse(now) - Date.parse(status?.startTime ?? now);
  if (activeDeadlineSeconds === undefined || age < activeDeadlineSeconds * 1000) return undefined;
  const message = 'Job was active longer than specified deadline';
  return { type: 'Failed', reason: 'DeadlineExceeded', message };
}

/** How many pods to create now; none during the wait after a failure. */
function missing({ spec }: Job, { active, succeeded, failed }: Tally, now: string): number {
  const { parallelism = 1, completions } = spec ?? {};
  const ends = failed.flatMap(({ status }) =>
    (status?.containerStatuses ?? []).map(
      ({ state }) => Date.parse(state?.terminated?.finishedAt ?? '') || 0,
    ),
  );
  const wait = Math.min(backOffMs.first * 2 ** (failed.length - 1), backOffMs.most);
  if (failed.length > 0 && Date.parse(now) < Math.max(0, ...ends) + wait) return 0;
  if (completions === undefined) return succeeded > 0 ? 0 : Math.max(0, parallelism - active.length);
  return Math.max(0, Math.min(parallelism, completions - succeeded) - active.length);
}

const remove = (object: Pod): Action => ({ verb: 'delete', type: resources.pods, object });

function statusOf(job: Job, { active, succeeded, failed }: Tally, now: string) {
  return {
    active: active.length,
    ready: active.filter(isReady).length,
    succeeded,
    failed: failed.length,
    startTime: job.status?.startTime ?? (job.spec?.suspend === true ? null : now),
  };
}

function ended(job: Job, verdict: Verdict, tally: Tally, now: string): Action[] {
  const wanted = { ...verdict, status: 'True' as const };
  const conditions = withCondition(job.status?.conditions, wanted, now);
  const isComplete = verdict.type === 'Complete';
  const status = {
    ...statusOf(job, { ...tally, active: [] }, now),
    conditions,
    ...(isComplete && { completionTime: now }),
  };
  const note = {
    type: isComplete ? ('Normal' as const) : ('Warning' as const),
    reason: isComplete ? 'Completed' : verdict.reason,
    message: isComplete ? 'Job completed' : verdict.message,
  };
  return [
    ...tally.active.map(remove),
    ...statusActions(type, job, status),
    { verb: 'event', type, object: job, note },
  ];
}

/** Deletes a job after it has ended, when its ttlSecondsAfterFinished has passed, if it has one. */
function expired(job: Job, end: Condition, now: string): Action[] {
  const ttl = job.spec?.ttlSecondsAfterFinished;
  const over = Date.parse(end.lastTransitionTime ?? now);
  return ttl === undefined || Date.parse(now) < over + ttl * 1000
    ? []
    : [{ verb: 'delete', type, object: job }];
}

export const jobController: LabController = {
  name: 'job-controller',
  concerns: (kind, object) => {
    if (kind === 'pods') return controllerKeys('Job', object);
    return kind === 'jobs' ? [keyOf(object)] : [];
  },
  timed: (state) => state.jobs.list().map(keyOf),
  plan: (key, state, now) => {
    const { namespace, name } = splitKey(key);
    const job = state.jobs.get(name, namespace);
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) return [];
    const end = endOf(job);
    if (end !== undefined) return expired(job, end, now);
    const tally = tallyOf(controlledOf(state.pods, job));
    const verdict = verdictOf(job, tally, now);
    if (verdict !== undefined) return ended(job, verdict, tally, now);
    const status = statusActions(type, job, statusOf(job, tally, now));
    if (job.spec?.suspend === true) return [...tally.active.map(remove), ...status];
    const made = inBursts(missing(job, tally, now), (): Action => {
      return { verb: 'create', type: resources.pods, object: podFromTemplate(type, job, job.spec?.template) };
    });
    return [...made, ...status];
  },
};
