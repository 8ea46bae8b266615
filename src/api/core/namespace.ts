// Namespace: its annotations name default pools, and pools match its labels.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

export const namespaceSchema = partOf({
  ...typeFields,
  spec: partOf({
    finalizers: z
      .array(z.string())
      .optional()
      .describe('Finalizers: steps that must be done before the namespace is deleted.'),
  })
    .optional()
    .describe('How the namespace is deleted.'),
  status: partOf({ phase: z.string().optional().describe('Phase: Active or Terminating.') })
    .optional()
    .describe('Observed state.'),
}).describe('Namespace is a scope for names.');

export type Namespace = z.infer<typeof namespaceSchema>;

export const namespaces: ResourceType<Namespace> = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  statusSubresource: true,
  shortNames: ['ns'],
  schema: namespaceSchema,
};
