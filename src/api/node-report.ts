// The request of `orbctl check --node` to the agent, and the answer. Both are JSON in the standard input and output of
// a frame.

import { z } from 'zod';

/** The type in a request of `orbctl`. A request of a runtime has a CNI type there. */
export const NODE_CHECK_TYPE = 'orbweaver-node-check';

export const nodeCheckSchema = z.object({ repair: z.boolean() });

const podReportSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  containerId: z.string(),
  interfaces: z.array(z.string()),
  /** One sentence for each object that is missing, different or stale. */
  drift: z.array(z.string()),
  /** NICs that are gone or belong to another program now. They cannot be repaired. */
  lost: z.array(z.string()),
  /** Whether the drift was repaired. */
  repaired: z.boolean(),
  /** Why the pod could not be compared or repaired. */
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
