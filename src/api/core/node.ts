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
    capacity: z.record(z.string(), z.string()).optional().describe('What the machine has of each resource.'),
    allocatable: z.record(z.string(), z.string()).optional().describe('What of it pods may have.'),
    nodeInfo: partOf({
      machineID: text.describe('Id of the machine (machine-id(5)).'),
      systemUUID: text.describe('UUID of the machine.'),
      bootID: text.describe('Id of this start of the machine.'),
      kernelVersion: text.describe('Release of the kernel.'),
      osImage: text.describe('Name of the system.'),
      containerRuntimeVersion: text.describe('Who runs the containers.'),
      kubeletVersion: text.describe('Version of the kubelet.'),
      kubeProxyVersion: text.describe('Version of the Service proxy.'),
      operatingSystem: text.describe('linux or windows.'),
      architecture: text.describe("Architecture in Go's words."),
    })
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
