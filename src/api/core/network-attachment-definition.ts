// NetworkAttachmentDefinition: a CNI configuration that pods name in their annotations (NPWG de-facto standard 1.3).

import { z } from 'zod';
import type { CustomKind } from '../crd/index.ts';
import { typeFields } from '../metadata.ts';
import { openObject } from '../open-object.ts';

/** network-attachment-definitions.k8s.cni.cncf.io. */
export const networkAttachmentDefinitionSchema = openObject({
  ...typeFields,
  spec: openObject({
    config: z.string().optional().describe('CNI configuration or configuration list, as JSON text.'),
  })
    .optional()
    .describe('How a pod is attached to the network.'),
}).describe('NetworkAttachmentDefinition holds a CNI configuration that pods name in their annotations.');

export type NetworkAttachmentDefinition = z.infer<typeof networkAttachmentDefinitionSchema>;

export const networkAttachmentDefinitions: CustomKind<NetworkAttachmentDefinition> = {
  group: 'k8s.cni.cncf.io',
  version: 'v1',
  kind: 'NetworkAttachmentDefinition',
  plural: 'network-attachment-definitions',
  singular: 'network-attachment-definition',
  shortNames: ['net-attach-def'],
  categories: [],
  namespaced: true,
  statusSubresource: false,
  schema: networkAttachmentDefinitionSchema,
  columns: [],
};
