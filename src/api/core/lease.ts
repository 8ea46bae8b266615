// Lease: the current leader, and how long its lease is valid.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

export const leaseSchema = partOf({
  ...typeFields,
  spec: partOf({
    holderIdentity: z.string().nullish().describe('Who holds the lease.'),
    leaseDurationSeconds: z
      .int()
      .nullish()
      .describe('How long others wait after renewTime before they take it.'),
    acquireTime: z.string().nullish().describe('When the holder took it.'),
    renewTime: z.string().nullish().describe('When the holder renewed it last.'),
    leaseTransitions: z.int().nullish().describe('How often the holder changed.'),
  })
    .optional()
    .describe('Holder and times.'),
}).describe('Lease says who leads.');

export type Lease = z.infer<typeof leaseSchema>;

export const leases: ResourceType<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  statusSubresource: false,
  schema: leaseSchema,
};
