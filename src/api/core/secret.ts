// Secret: values that only a few may read.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

export const secretSchema = partOf({
  ...typeFields,
  type: z.string().optional().describe('What the data is for.'),
  data: z.record(z.string(), z.string()).optional().describe('Values in base64, by key.'),
}).describe('Secret holds values that only a few may read.');

export type Secret = z.infer<typeof secretSchema>;

export const secrets: ResourceType<Secret> = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  statusSubresource: false,
  schema: secretSchema,
};
