// ConfigMap: configuration as text.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

export const configMapSchema = partOf({
  ...typeFields,
  data: z.record(z.string(), z.string()).optional().describe('Text values by key.'),
  binaryData: z.record(z.string(), z.string()).optional().describe('Binary values in base64, by key.'),
  immutable: z.boolean().optional().describe('Whether the data can never change.'),
}).describe('ConfigMap holds configuration.');

export type ConfigMap = z.infer<typeof configMapSchema>;

export const configMaps: ResourceType<ConfigMap> = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
  statusSubresource: false,
  shortNames: ['cm'],
  schema: configMapSchema,
};
