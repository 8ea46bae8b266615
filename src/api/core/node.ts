// Node: its addresses, its pod networks and whether it is ready.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';
import { conditionsField } from './condition.ts';

const text = z.string().optional();

export const nodeSchema = partOf({
  ...typeFields,
  spec: partOf({
    podCIDR: text.describe('First network of the pods of this node.'),
    podCIDRs: z
      .array(z.string())
      .optional()
      .describe('Networks of the pods of this node, one for each family.'),
    providerID: text.describe('Id of the machine at its provider.'),
    unschedulable: z.boolean().optional().describe('Whether no new pods are placed here.'),
  })
    .optional()
    .describe('What the cluster gave the node.'),
  status: partOf({
    addresses: z
      .array(
        partOf({
          type: z.string().describe('InternalIP, ExternalIP, Hostname, InternalDNS or ExternalDNS.'),
          address: z.string().describe('The address.'),
        }),
      )
      .optional()
      .describe('Addresses of the node.'),
    conditions: conditionsField,
    nodeInfo: partOf({ kubeletVersion: text.describe('Version of the kubelet.') })
      .optional()
      .describe('What runs on the node.'),
  })
    .optional()
    .describe('What the node reports.'),
}).describe('Node is a machine that runs pods.');

export type Node = z.infer<typeof nodeSchema>;

export const nodes: ResourceType<Node> = {
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
  statusSubresource: true,
  shortNames: ['no'],
  schema: nodeSchema,
};
