// What `orbctl check --node` asks the agent, and what it answers: JSON in the standard input and output of a frame.

import { z } from 'zod';

/** The type that a request of `orbctl` names, where one of a runtime names a CNI type. */
export const NODE_CHECK_TYPE = 'orbweaver-node-check';

export const nodeCheckSchema = z.object({ repair: z.boolean() });

const podReportSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  containerId: z.string(),
  interfaces: z.array(z.string()),
  /** What is missing, different or stale, one sentence for each object. */
  drift: z.array(z.string()),
  /** What is in other hands, and beyond repair. */
  lost: z.array(z.string()),
  /** The drift was mended. */
  repaired: z.boolean(),
  /** Why the pod could not be compared or mended. */
  error: z.string().optional(),
});

export const nodeReportSchema = z.object({
  node: z.object({
    name: z.string(),
    drift: z.array(z.string()),
    repaired: z.boolean(),
    error: z.string().optional(),
  }),
  /** All pods of the node that the coordinator serves. */
  pods: z.array(podReportSchema),
});

export type NodeCheck = z.infer<typeof nodeCheckSchema>;
export type PodReport = z.infer<typeof podReportSchema>;
export type NodeReport = z.infer<typeof nodeReportSchema>;
