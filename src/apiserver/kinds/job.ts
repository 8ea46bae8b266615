// What the server does to Jobs and CronJobs: defaults, the labels that mark a job's pods, and fields that may not change.

import { scheduleProblem, timeZoneProblem } from '#api';
import {
  type ApiObject,
  ensureObject,
  equal,
  isObject,
  type JsonObject,
  setDefault,
  stringAt,
  valueAt,
} from '../json.ts';
import type { Strategy } from '../ports.ts';
import type { StatusCause } from '../status.ts';
import { choiceCauses, invalidField, negativeCauses } from './field-causes.ts';
import { containerCauses, defaultPodSpec } from './pod.ts';

function defaultJobSpec(spec: JsonObject): void {
  if (isObject(spec.template)) defaultPodSpec(ensureObject(spec.template, 'spec'));
  // Without both numbers, one pod does all the work.
  // With parallelism alone, pods take work from a queue until one pod says that it is empty.
  if (spec.parallelism === undefined) setDefault(spec, 'completions', 1);
  setDefault(spec, 'parallelism', 1);
  setDefault(spec, 'completionMode', 'NonIndexed');
  setDefault(spec, 'backoffLimit', 6);
  setDefault(spec, 'suspend', false);
  setDefault(spec, 'podReplacementPolicy', 'TerminatingOrFailed');
}

/** A job's pods carry the UID of the job as a label, and its selector selects that label (kubernetes, generateSelector). */
function labelPods(job: ApiObject, spec: JsonObject): void {
  const uid = stringAt(job, 'metadata', 'uid') ?? '';
  const labels = ensureObject(ensureObject(ensureObject(spec, 'template'), 'metadata'), 'labels');
  for (const prefix of ['batch.kubernetes.io/', '']) {
    labels[`${prefix}controller-uid`] = uid;
    labels[`${prefix}job-name`] = job.metadata.name;
  }
  ensureObject(ensureObject(spec, 'selector'), 'matchLabels')['batch.kubernetes.io/controller-uid'] = uid;
}

function templateCauses(job: ApiObject, path: readonly string[]): StatusCause[] {
  const field = [...path, 'template', 'spec'].join('.');
  const causes = containerCauses(valueAt(job, ...path, 'template', 'spec'), field);
  const policy = stringAt(job, ...path, 'template', 'spec', 'restartPolicy') ?? '';
  if (policy === 'OnFailure' || policy === 'Never') return causes;
  const valid = '"OnFailure", "Never"';
  const cause =
    policy === 'Always'
      ? { reason: 'FieldValueRequired', message: `Required value: valid values: ${valid}` }
      : {
          reason: 'FieldValueNotSupported',
          message: `Unsupported value: ${JSON.stringify(policy)}: supported values: ${valid}`,
        };
  return [...causes, { ...cause, field: `${field}.restartPolicy` }];
}

function immutable(field: string, old: ApiObject, now: ApiObject): StatusCause[] {
  const path = field.split('.');
  if (equal(valueAt(old, ...path), valueAt(now, ...path))) return [];
  return [{ reason: 'FieldValueInvalid', message: 'Invalid value: field is immutable', field }];
}

const jobNumbers = [
  ...['parallelism', 'completions', 'backoffLimit', 'activeDeadlineSeconds', 'ttlSecondsAfterFinished'],
  ...['backoffLimitPerIndex', 'maxFailedIndexes'],
];

/** What is wrong in a job's specification at `path` (kubernetes ValidateJobSpec). */
function jobSpecCauses(object: ApiObject, path: string): StatusCause[] {
  return [
    ...templateCauses(object, path.split('.')),
    ...negativeCauses(object, path, jobNumbers),
    ...choiceCauses(object, `${path}.completionMode`, ['NonIndexed', 'Indexed']),
    ...choiceCauses(object, `${path}.podReplacementPolicy`, ['Failed', 'TerminatingOrFailed']),
  ];
}

/** What is wrong in a cron job: its schedule, time zone, name, numbers or job template (kubernetes ValidateCronJobSpec). */
function cronJobCauses(cronJob: ApiObject): StatusCause[] {
  const causes: StatusCause[] = [];
  const schedule = stringAt(cronJob, 'spec', 'schedule') ?? '';
  const notSchedule = scheduleProblem(schedule);
  if (schedule === '')
    causes.push({ reason: 'FieldValueRequired', message: 'Required value', field: 'spec.schedule' });
  else if (notSchedule !== undefined) causes.push(invalidField('spec.schedule', schedule, notSchedule));
  const zone = stringAt(cronJob, 'spec', 'timeZone');
  const notZone = zone === undefined ? undefined : timeZoneProblem(zone);
  if (zone !== undefined && notZone !== undefined) causes.push(invalidField('spec.timeZone', zone, notZone));
  // The name of a job that a CronJob makes is eleven characters longer.
  const { name } = cronJob.metadata;
  if (name.length > 52)
    causes.push(invalidField('metadata.name', name, 'must be no more than 52 characters'));
  const numbers = ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'];
  return [
    ...causes,
    ...negativeCauses(cronJob, 'spec', numbers),
    ...choiceCauses(cronJob, 'spec.concurrencyPolicy', ['Allow', 'Forbid', 'Replace']),
    ...jobSpecCauses(cronJob, 'spec.jobTemplate.spec'),
  ];
}

export const jobStrategy: Strategy = {
  prepareCreate(job) {
    const spec = ensureObject(job, 'spec');
    defaultJobSpec(spec);
    if (spec.manualSelector !== true) labelPods(job, spec);
  },
  prepareUpdate(job) {
    defaultJobSpec(ensureObject(job, 'spec'));
  },
  validate(job, old) {
    const fixed = ['spec.selector', 'spec.template', 'spec.completionMode'];
    return [
      ...jobSpecCauses(job, 'spec'),
      ...(old === undefined ? [] : fixed.flatMap((field) => immutable(field, old, job))),
    ];
  },
};

function prepareCronJob(cronJob: ApiObject): void {
  const spec = ensureObject(cronJob, 'spec');
  setDefault(spec, 'concurrencyPolicy', 'Allow');
  setDefault(spec, 'suspend', false);
  setDefault(spec, 'successfulJobsHistoryLimit', 3);
  setDefault(spec, 'failedJobsHistoryLimit', 1);
  if (isObject(spec.jobTemplate)) {
    const template = ensureObject(ensureObject(spec.jobTemplate, 'spec'), 'template');
    defaultPodSpec(ensureObject(template, 'spec'));
  }
}

export const cronJobStrategy: Strategy = {
  prepareCreate: prepareCronJob,
  prepareUpdate: prepareCronJob,
  validate: cronJobCauses,
};
