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
    minAvailable: bound.describe('How many pods, or what percentage, must stay available.'),
    maxUnavailable: bound.describe('How many pods, or what percentage, may be unavailable.'),
    selector: labelSelectorSchema.optional().describe('Labels of the pods.'),
  })
    .optional()
    .describe('Desired state.'),
  status: partOf({
    observedGeneration: count.describe('Generation of the spec that this status describes.'),
    disruptedPods: z
      .record(z.string(), z.string().nullable())
      .optional()
      .describe('Pods whose eviction was allowed and that still exist.'),
    disruptionsAllowed: count.describe('How many more pods may be evicted now.'),
    currentHealthy: count.describe('Ready pods.'),
    desiredHealthy: count.describe('How many pods must be ready.'),
    expectedPods: count.describe('How many pods the workload should have.'),
    conditions: conditionsField,
  })
    .optional()
    .describe('Observed state.'),
}).describe('PodDisruptionBudget limits evictions.');

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
