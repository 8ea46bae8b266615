// CronJob: creates a job at each time of its schedule, and keeps the latest ones.

import { apiVersionOf, type CronJob, dueTime, type Job, resources } from '#api';
import { keyOf } from '#kube';
import { type Action, controlledBy, controlledOf, controllerKeys, splitKey, statusActions } from '#reconcile';
import type { LabController } from './cluster-state.ts';
import { endOf } from './job.ts';

const type = resources.cronJobs;
const remove = (object: Job): Action => ({ verb: 'delete', type: resources.jobs, object });

/** The name contains the minute, so that each minute has one job (kubernetes, getJobName). */
function jobAt(cronJob: CronJob, atMs: number): Job {
  const { metadata, spec } = cronJob.spec?.jobTemplate ?? {};
  return {
    metadata: {
      name: `${cronJob.metadata.name}-${Math.floor(atMs / 60_000)}`,
      namespace: cronJob.metadata.namespace,
      ...(metadata?.labels !== undefined && { labels: metadata.labels }),
      ...(metadata?.annotations !== undefined && { annotations: metadata.annotations }),
      ownerReferences: [controlledBy(type, cronJob)],
    },
    ...(spec !== undefined && { spec }),
  };
}

/** Finished jobs above the history limits: successful and failed jobs have a limit each. The oldest are deleted. */
function surplus({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = spec ?? {};
  const byAge = jobs.toSorted((a, b) => createdMs(b) - createdMs(a));
  const over = (end: string) => byAge.filter((job) => endOf(job)?.type === end);
  return [
    ...over('Complete').slice(successfulJobsHistoryLimit),
    ...over('Failed').slice(failedJobsHistoryLimit),
  ];
}

function createdMs({ metadata }: CronJob | Job): number {
  return Date.parse(metadata.creationTimestamp ?? '') || 0;
}

/**
 * The actions for a scheduled minute. There are none if the deadline has passed, or if the last job still runs and concurrent jobs are
 * forbidden.
 */
function start(
  cronJob: CronJob,
  running: readonly Job[],
  now: string,
): { readonly atMs: number; readonly actions: Action[] } | undefined {
  const {
    schedule = '',
    timeZone = 'UTC',
    suspend,
    concurrencyPolicy,
    startingDeadlineSeconds,
  } = cronJob.spec ?? {};
  if (suspend === true) return undefined;
  const lastMs = Date.parse(cronJob.status?.lastScheduleTime ?? '') || createdMs(cronJob);
  const nowMs = Date.parse(now);
  const atMs = dueTime(schedule, timeZone, lastMs, nowMs);
  if (atMs === undefined) return undefined;
  if (startingDeadlineSeconds !== undefined && nowMs - atMs > startingDeadlineSeconds * 1000)
    return undefined;
  if (concurrencyPolicy === 'Forbid' && running.length > 0) return undefined;
  const replaced = concurrencyPolicy === 'Replace' ? running.map(remove) : [];
  return {
    atMs,
    actions: [...replaced, { verb: 'create', type: resources.jobs, object: jobAt(cronJob, atMs) }],
  };
}

export const cronJobController: LabController = {
  name: 'cronjob-controller',
  concerns: (kind, object) => {
    if (kind === 'jobs') return controllerKeys('CronJob', object);
    return kind === 'cronJobs' ? [keyOf(object)] : [];
  },
  timed: (state) => state.cronJobs.list().map(keyOf),
  plan: (key, state, now) => {
    const { namespace, name } = splitKey(key);
    const cronJob = state.cronJobs.get(name, namespace);
    if (cronJob === undefined || cronJob.metadata.deletionTimestamp !== undefined) return [];
    const jobs = controlledOf(state.jobs, cronJob);
    const running = jobs.filter((job) => endOf(job) === undefined);
    const started = start(cronJob, running, now);
    const done = jobs
      .map(({ status }) => status?.completionTime ?? '')
      .toSorted()
      .at(-1);
    const apiVersion = apiVersionOf(resources.jobs);
    const active = running.map(({ metadata: { name: job, uid } }) => ({
      apiVersion,
      kind: 'Job',
      namespace,
      name: job,
      uid,
    }));
    const status = {
      active,
      ...(started !== undefined && {
        lastScheduleTime: new Date(started.atMs).toISOString().replace('.000', ''),
      }),
      ...(done !== undefined && done !== '' && { lastSuccessfulTime: done }),
    };
    return [
      ...(started?.actions ?? []),
      ...surplus(cronJob, jobs).map(remove),
      ...statusActions(type, cronJob, status),
    ];
  },
};
