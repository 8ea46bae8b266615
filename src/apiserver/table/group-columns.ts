// The columns of jobs, budgets, priorities and webhook configurations (kubernetes pkg/printers, by behaviour).

import { type ApiObject, listAt, numberAt, stringAt, valueAt } from '../json.ts';
import { ageColumn, type Column, column, field, nameColumn } from './column.ts';
import { ageOf, humanDuration } from './duration.ts';

const integer = { type: 'integer' };

function jobStatus(job: ApiObject): string {
  const isTrue = (type: string) =>
    listAt(job, 'status', 'conditions').some(
      (it) => stringAt(it, 'type') === type && stringAt(it, 'status') === 'True',
    );
  if (isTrue('Complete')) return 'Complete';
  if (isTrue('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return isTrue('Suspended') ? 'Suspended' : 'Running';
}

function completions(job: ApiObject): string {
  const succeeded = numberAt(job, 'status', 'succeeded') ?? 0;
  const wanted = numberAt(job, 'spec', 'completions');
  if (wanted !== undefined) return `${succeeded}/${wanted}`;
  const parallelism = numberAt(job, 'spec', 'parallelism') ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: ApiObject, nowMs: number): string {
  const from = Date.parse(stringAt(job, 'status', 'startTime') ?? '');
  if (Number.isNaN(from)) return '';
  const end = Date.parse(stringAt(job, 'status', 'completionTime') ?? '');
  return humanDuration((Number.isNaN(end) ? nowMs : end) - from);
}

function limit(name: string): Column['cell'] {
  return (budget) => String((valueAt(budget, 'spec', name) as number | string | undefined) ?? 'N/A');
}

const webhooks: readonly Column[] = [
  nameColumn,
  column('Webhooks', (object) => listAt(object, 'webhooks').length, integer),
  ageColumn,
];

/** Keyed by `plural.group`. */
export const groupColumns: Readonly<Record<string, readonly Column[]>> = {
  'jobs.batch': [
    nameColumn,
    column('Status', jobStatus),
    column('Completions', completions),
    column('Duration', jobDuration),
    ageColumn,
  ],
  'cronjobs.batch': [
    nameColumn,
    column('Schedule', field('', 'spec', 'schedule')),
    column('Timezone', field('<none>', 'spec', 'timeZone')),
    column('Suspend', (cronJob) => (valueAt(cronJob, 'spec', 'suspend') === true ? 'True' : 'False')),
    column('Active', (cronJob) => listAt(cronJob, 'status', 'active').length, integer),
    column('Last Schedule', (cronJob, nowMs) => {
      const last = stringAt(cronJob, 'status', 'lastScheduleTime');
      return last === undefined ? '<none>' : ageOf(last, nowMs);
    }),
    ageColumn,
  ],
  'poddisruptionbudgets.policy': [
    nameColumn,
    column('Min Available', limit('minAvailable')),
    column('Max Unavailable', limit('maxUnavailable')),
    column('Allowed Disruptions', (budget) => numberAt(budget, 'status', 'disruptionsAllowed') ?? 0, integer),
    ageColumn,
  ],
  'priorityclasses.scheduling.k8s.io': [
    nameColumn,
    column('Value', (priority) => numberAt(priority, 'value') ?? 0, integer),
    column('Global-Default', (priority) => valueAt(priority, 'globalDefault') === true, { type: 'boolean' }),
    ageColumn,
    column('PreemptionPolicy', field('PreemptLowerPriority', 'preemptionPolicy')),
  ],
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': webhooks,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': webhooks,
};
