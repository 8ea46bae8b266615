// status.conditions[] of pods, nodes and workloads.

import { z } from 'zod';
import { partOf } from '../open-object.ts';

export const conditionSchema = partOf({
  type: z.string().describe('Type of the condition, for example Ready.'),
  status: z
    .enum(['True', 'False', 'Unknown'])
    .describe('Whether the condition holds: True, False or Unknown.'),
  reason: z.string().optional().describe('Reason in one word.'),
  message: z.string().optional().describe('Reason as a sentence for people.'),
  observedGeneration: z.int().optional().describe('Generation of the spec that the condition describes.'),
  lastHeartbeatTime: z.string().nullish().describe('When a kubelet checked it last; on nodes only.'),
  lastTransitionTime: z.string().nullish().describe('When the status changed last.'),
});

export type Condition = z.infer<typeof conditionSchema>;

export const conditionsField = z.array(conditionSchema).optional().describe('Observed conditions.');
