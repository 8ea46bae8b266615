// Kinds of other programs that we only read. The embedded API server has none.

import { calicoPoolStorage, calicoPools } from './calico-pool.ts';
import { ciliumNodes, ciliumPools } from './cilium.ts';
import { virtualMachineInstances, virtualMachines } from './kubevirt.ts';
import { serviceCIDRs, serviceCIDRsBeta } from './service-cidr.ts';

export type { CalicoPool } from './calico-pool.ts';
export type { CiliumNode, CiliumPool } from './cilium.ts';
export type { VirtualMachine, VirtualMachineInstance } from './kubevirt.ts';
export type { ServiceCIDR } from './service-cidr.ts';

/** Every such kind. */
export const foreignResources = {
  calicoPools,
  calicoPoolStorage,
  ciliumNodes,
  ciliumPools,
  serviceCIDRs,
  serviceCIDRsBeta,
  virtualMachineInstances,
  virtualMachines,
} as const;
