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
    podCIDR: text.describe('First address range for the pods of this node.'),
    podCIDRs: z
      .array(z.string())
      .optional()
      .describe('Address ranges for the pods of this node, one for each family.'),
    providerID: text.describe('Id of the machine at its cloud provider.'),
    unschedulable: z.boolean().optional().describe('Whether no new pods are scheduled on this node.'),
  })
    .optional()
    .describe('Settings that the cluster made for the node.'),
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
    capacity: z
      .record(z.string(), z.string())
      .optional()
      .describe('Amount of each resource that the machine has.'),
    allocatable: z
      .record(z.string(), z.string())
      .optional()
      .describe('Amount of each resource that pods may use.'),
    nodeInfo: partOf({
      machineID: text.describe('Id of the machine (machine-id(5)).'),
      systemUUID: text.describe('UUID of the machine.'),
      bootID: text.describe('Id of the current boot.'),
      kernelVersion: text.describe('Version of the kernel.'),
      osImage: text.describe('Name of the operating system.'),
      containerRuntimeVersion: text.describe('Container runtime and its version.'),
      kubeletVersion: text.describe('Version of the kubelet.'),
      kubeProxyVersion: text.describe('Version of the Service proxy.'),
      operatingSystem: text.describe('Operating system: linux or windows.'),
      architecture: text.describe('Architecture, as Go names it.'),
    })
      .optional()
      .describe('Software and identity of the machine.'),
  })
    .optional()
    .describe('State that the node reports.'),
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
