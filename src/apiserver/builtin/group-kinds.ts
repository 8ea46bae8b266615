// Kinds that charts and controllers use: jobs, budgets, priorities, webhooks, and reviews of access.

import type { BuiltIn } from './kind.ts';

const batch = { group: 'batch', version: 'v1', namespaced: true, status: true, inAll: true };
const webhooks = { group: 'admissionregistration.k8s.io', version: 'v1', namespaced: false };
const review = { version: 'v1', namespaced: false, createOnly: true };
const authorization = { ...review, group: 'authorization.k8s.io' };
const authentication = { ...review, group: 'authentication.k8s.io' };

export const groupKinds: readonly BuiltIn[] = [
  { ...batch, kind: 'Job', plural: 'jobs', fields: 'spec JobSpec;status JobStatus' },
  {
    ...batch,
    kind: 'CronJob',
    plural: 'cronjobs',
    shortNames: ['cj'],
    fields: 'spec CronJobSpec;status CronJobStatus',
  },
  {
    group: 'policy',
    version: 'v1',
    namespaced: true,
    status: true,
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    shortNames: ['pdb'],
    fields: 'spec PodDisruptionBudgetSpec;status PodDisruptionBudgetStatus',
  },
  {
    group: 'scheduling.k8s.io',
    version: 'v1',
    namespaced: false,
    kind: 'PriorityClass',
    plural: 'priorityclasses',
    shortNames: ['pc'],
    fields: 'value! int;globalDefault bool;description string;preemptionPolicy string',
  },
  {
    ...webhooks,
    kind: 'MutatingWebhookConfiguration',
    plural: 'mutatingwebhookconfigurations',
    fields: 'webhooks [MutatingWebhook] by name',
  },
  {
    ...webhooks,
    kind: 'ValidatingWebhookConfiguration',
    plural: 'validatingwebhookconfigurations',
    fields: 'webhooks [ValidatingWebhook] by name',
  },
  {
    ...authorization,
    kind: 'SubjectAccessReview',
    plural: 'subjectaccessreviews',
    fields: 'spec! SubjectAccessReviewSpec;status SubjectAccessReviewStatus',
  },
  {
    ...authorization,
    namespaced: true,
    kind: 'LocalSubjectAccessReview',
    plural: 'localsubjectaccessreviews',
    fields: 'spec! SubjectAccessReviewSpec;status SubjectAccessReviewStatus',
  },
  {
    ...authorization,
    kind: 'SelfSubjectAccessReview',
    plural: 'selfsubjectaccessreviews',
    fields: 'spec! SelfSubjectAccessReviewSpec;status SubjectAccessReviewStatus',
  },
  {
    ...authorization,
    kind: 'SelfSubjectRulesReview',
    plural: 'selfsubjectrulesreviews',
    fields: 'spec! SelfSubjectRulesReviewSpec;status SubjectRulesReviewStatus',
  },
  {
    ...authentication,
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    fields: 'status SelfSubjectReviewStatus',
  },
  {
    ...authentication,
    kind: 'TokenReview',
    plural: 'tokenreviews',
    fields: 'spec! TokenReviewSpec;status TokenReviewStatus',
  },
];
