// Kinds of KubeVirt: a virtual machine, and the instance of it that a pod runs.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const instanceSchema = partOf({
  ...typeFields,
  status: partOf({
    phase: z.string().optional().describe('Pending, Running, Succeeded, Failed and others.'),
  }).optional(),
});

const machineSchema = partOf(typeFields);

export type VirtualMachineInstance = z.infer<typeof instanceSchema>;
export type VirtualMachine = z.infer<typeof machineSchema>;

const kubevirt = { group: 'kubevirt.io', version: 'v1', namespaced: true, statusSubresource: true } as const;

export const virtualMachineInstances: ResourceType<VirtualMachineInstance> = {
  ...kubevirt,
  kind: 'VirtualMachineInstance',
  plural: 'virtualmachineinstances',
  schema: instanceSchema,
};

export const virtualMachines: ResourceType<VirtualMachine> = {
  ...kubevirt,
  kind: 'VirtualMachine',
  plural: 'virtualmachines',
  schema: machineSchema,
};
