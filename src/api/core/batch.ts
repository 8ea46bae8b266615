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
  completions: count.describe('How many pods must succeed; one of a queue where absent.'),
  backoffLimit: count.describe('How many pods may fail; 6 unless set.'),
  activeDeadlineSeconds: count.describe('How long the job may take.'),
  ttlSecondsAfterFinished: count.describe('How long it is kept when it is over.'),
  suspend: z.boolean().optional().describe('Whether it runs no pods now.'),
  selector: labelSelectorSchema.optional().describe('Labels of the pods that belong to it.'),
  template: podTemplateSchema.optional().describe('What its pods look like.'),
});

export const jobSchema = partOf({
  ...typeFields,
  spec: jobSpecSchema.optional().describe('What is wanted.'),
  status: partOf({
    conditions: conditionsField,
    startTime: time.describe('When its pods were begun.'),
    completionTime: time.describe('When it was done.'),
    active: count.describe('Pods that run.'),
    ready: count.describe('Pods that run and are ready.'),
    succeeded: count.describe('Pods that succeeded.'),
    failed: count.describe('Pods that failed.'),
  })
    .optional()
    .describe('What there is.'),
}).describe('Job runs pods until enough of them succeeded.');

export const cronJobSchema = partOf({
  ...typeFields,
  spec: partOf({
    schedule: z.string().describe('When, as crontab(5) writes it.'),
    timeZone: z.string().optional().describe('Whose clock; UTC unless set.'),
    startingDeadlineSeconds: count.describe('How late a job may be made.'),
    concurrencyPolicy: z
      .enum(['Allow', 'Forbid', 'Replace'])
      .optional()
      .describe('What happens while the last job runs.'),
    suspend: z.boolean().optional().describe('Whether no jobs are made now.'),
    jobTemplate: partOf({
      metadata: metadataSchema.optional().describe('Labels and annotations of the jobs.'),
      spec: jobSpecSchema.optional().describe('What each job does.'),
    }).describe('What its jobs look like.'),
    successfulJobsHistoryLimit: count.describe('How many jobs that succeeded are kept; 3 unless set.'),
    failedJobsHistoryLimit: count.describe('How many jobs that failed are kept; 1 unless set.'),
  })
    .optional()
    .describe('What is wanted.'),
  status: partOf({
    active: z
      .array(partOf({ name: z.string().optional().describe('Name of the job.') }))
      .optional()
      .describe('Jobs that run.'),
    lastScheduleTime: time.describe('When a job was made last.'),
    lastSuccessfulTime: time.describe('When a job succeeded last.'),
  })
    .optional()
    .describe('What there is.'),
}).describe('CronJob makes jobs by a schedule.');

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
