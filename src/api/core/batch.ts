// Jobs and CronJobs of batch/v1: pods that run to completion.

import { z } from 'zod';
import { labelSelectorSchema, metadataSchema, typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';
import { conditionsField } from './condition.ts';
import { podTemplateSchema } from './workload.ts';

const count = z.int().optional();
const time = z.string().nullish();

const jobSpecSchema = partOf({
  parallelism: count.describe('How many pods run at once; 1 unless set.'),
  completions: count.describe(
    'How many pods must succeed; if absent, one success of a work queue is enough.',
  ),
  backoffLimit: count.describe('How many pods may fail; 6 unless set.'),
  activeDeadlineSeconds: count.describe('How long the job may run, in seconds.'),
  ttlSecondsAfterFinished: count.describe('How long the finished job is kept, in seconds.'),
  suspend: z.boolean().optional().describe('Whether the job runs no pods at the moment.'),
  selector: labelSelectorSchema.optional().describe('Labels of the pods of this job.'),
  template: podTemplateSchema.optional().describe('Template of the pods.'),
});

export const jobSchema = partOf({
  ...typeFields,
  spec: jobSpecSchema.optional().describe('Desired state.'),
  status: partOf({
    conditions: conditionsField,
    startTime: time.describe('When the first pods were created.'),
    completionTime: time.describe('When the job succeeded.'),
    active: count.describe('Running pods.'),
    ready: count.describe('Running pods that are ready.'),
    succeeded: count.describe('Pods that succeeded.'),
    failed: count.describe('Pods that failed.'),
  })
    .optional()
    .describe('Observed state.'),
}).describe('Job runs pods until enough of them succeeded.');

export const cronJobSchema = partOf({
  ...typeFields,
  spec: partOf({
    schedule: z.string().describe('Schedule in the form of crontab(5).'),
    timeZone: z.string().optional().describe('Time zone of the schedule; UTC unless set.'),
    startingDeadlineSeconds: count.describe('How late a job may start, in seconds.'),
    concurrencyPolicy: z
      .enum(['Allow', 'Forbid', 'Replace'])
      .optional()
      .describe('What to do when the last job is still running.'),
    suspend: z.boolean().optional().describe('Whether no new jobs are created.'),
    jobTemplate: partOf({
      metadata: metadataSchema.optional().describe('Labels and annotations of the jobs.'),
      spec: jobSpecSchema.optional().describe('Desired state of each job.'),
    }).describe('Template of the jobs.'),
    successfulJobsHistoryLimit: count.describe('How many successful jobs are kept; 3 unless set.'),
    failedJobsHistoryLimit: count.describe('How many failed jobs are kept; 1 unless set.'),
  })
    .optional()
    .describe('Desired state.'),
  status: partOf({
    active: z
      .array(partOf({ name: z.string().optional().describe('Name of the job.') }))
      .optional()
      .describe('Running jobs.'),
    lastScheduleTime: time.describe('When the last job was created.'),
    lastSuccessfulTime: time.describe('When a job succeeded last.'),
  })
    .optional()
    .describe('Observed state.'),
}).describe('CronJob creates jobs on a schedule.');

export type Job = z.infer<typeof jobSchema>;
export type CronJob = z.infer<typeof cronJobSchema>;

const batch = { group: 'batch', version: 'v1', namespaced: true, statusSubresource: true } as const;

export const jobs: ResourceType<Job> = { ...batch, kind: 'Job', plural: 'jobs', schema: jobSchema };

export const cronJobs: ResourceType<CronJob> = {
  ...batch,
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  schema: cronJobSchema,
};
