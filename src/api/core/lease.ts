// Lease: the current leader, and how long its lease is valid.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

export const leaseSchema = partOf({
  ...typeFields,
  spec: partOf({
    holderIdentity: z.string().nullish().describe('Identity of the holder.'),
    leaseDurationSeconds: z
      .int()
      .nullish()
      .describe('Seconds after renewTime until another program may take the lease.'),
    acquireTime: z.string().nullish().describe('When the holder acquired the lease.'),
    renewTime: z.string().nullish().describe('When the holder renewed the lease last.'),
    leaseTransitions: z.int().nullish().describe('How often the holder changed.'),
  })
    .optional()
    .describe('Holder and times of the lease.'),
}).describe('Lease names the program that holds a role at the moment.');

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
