// ServiceAccount: the identity of a program in the cluster.

import type { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

export const serviceAccountSchema = partOf(typeFields).describe(
  'ServiceAccount is the identity of a program.',
);

export type ServiceAccount = z.infer<typeof serviceAccountSchema>;

export const serviceAccounts: ResourceType<ServiceAccount> = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
  statusSubresource: false,
  shortNames: ['sa'],
  schema: serviceAccountSchema,
};
