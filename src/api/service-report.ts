// The request of `orbctl service` to the agent, and the answer. Both are JSON in the standard input and output of a
// frame.

import { z } from 'zod';

/** The type in a request of `orbctl`. A request of a runtime has a CNI type there. */
export const SERVICE_QUESTION_TYPE = 'orbweaver-services';

/** With neither, all Services without their endpoints are told. */
export const serviceQuestionSchema = z.strictObject({
  /** `namespace/name`. */
  service: z.string().optional(),
  /** `10.96.0.1:80`, or `[fd00::1]:80`. */
  place: z.string().optional(),
});

const endpointSchema = z.object({
  place: z.string(),
  node: z.string().optional(),
  /** Which sockets may speak with it. `old`: those that do already. */
  sockets: z.enum(['all', 'old', 'none']),
  because: z.string().optional(),
});

const servicePortSchema = z.object({
  protocol: z.string(),
  place: z.string(),
  /** `namespace/name`; undefined for the Service by which the agent tries the programs. */
  service: z.string().optional(),
  /** Endpoints that new sockets get. */
  ready: z.number(),
  /** Endpoints that only sockets keep that have them. */
  draining: z.number(),
  affinitySeconds: z.number(),
  /** How often a socket got a backend: each connect, and each first datagram of a socket to it. */
  sockets: z.number().default(0),
  /** How often it was refused, because there was none. */
  refused: z.number().default(0),
  endpoints: z.array(endpointSchema).optional(),
});

export const serviceReportSchema = z.object({
  node: z.string(),
  /** Why sockets of this node are not served; undefined if they are. */
  off: z.string().optional(),
  /** What the kernel knows. */
  ports: z.array(servicePortSchema),
});

export type ServiceQuestion = z.infer<typeof serviceQuestionSchema>;
export type ServicePortReport = z.infer<typeof servicePortSchema>;
export type ServiceReport = z.infer<typeof serviceReportSchema>;
