// status.conditions[] of pods, nodes and workloads.

import { z } from 'zod';
import { partOf } from '../open-object.ts';

export const conditionSchema = partOf({
  type: z.string().describe('What the condition is about, for example Ready.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  reason: z.string().optional().describe('Why, in one word.'),
  message: z.string().optional().describe('Why, for people.'),
  lastHeartbeatTime: z.string().nullish().describe('When a kubelet looked last; of nodes.'),
  lastTransitionTime: z.string().nullish().describe('When the status changed last.'),
});

export type Condition = z.infer<typeof conditionSchema>;

export const conditionsField = z.array(conditionSchema).optional().describe('Observed conditions.');
