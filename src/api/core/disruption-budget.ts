// PodDisruptionBudget of policy/v1: how many pods may be unavailable at a time.

import { z } from 'zod';
import { labelSelectorSchema, typeFields } from '../metadata.ts';
import { intOrString, partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';
import { conditionsField } from './condition.ts';

const bound = intOrString().optional();
const count = z.int().optional();

export const podDisruptionBudgetSchema = partOf({
  ...typeFields,
  spec: partOf({
    minAvailable: bound.describe('How many, or what part, must be there.'),
    maxUnavailable: bound.describe('How many, or what part, may be away.'),
    selector: labelSelectorSchema.optional().describe('Labels of the pods.'),
  })
    .optional()
    .describe('What is wanted.'),
  status: partOf({
    observedGeneration: count.describe('The generation that this status is about.'),
    disruptedPods: z
      .record(z.string(), z.string().nullable())
      .optional()
      .describe('Pods whose eviction was allowed and that are not gone yet.'),
    disruptionsAllowed: count.describe('How many more may go now.'),
    currentHealthy: count.describe('Pods that are ready.'),
    desiredHealthy: count.describe('Pods that must be ready.'),
    expectedPods: count.describe('Pods that there should be.'),
    conditions: conditionsField,
  })
    .optional()
    .describe('What there is.'),
}).describe('PodDisruptionBudget holds up evictions.');

export type PodDisruptionBudget = z.infer<typeof podDisruptionBudgetSchema>;

export const podDisruptionBudgets: ResourceType<PodDisruptionBudget> = {
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  namespaced: true,
  statusSubresource: true,
  shortNames: ['pdb'],
  schema: podDisruptionBudgetSchema,
};
