// Kinds of other programs. We read them, and write the status of IPAMClaims. The embedded API server has none.

import { calicoPoolStorage, calicoPools } from './calico-pool.ts';
import { ciliumNodes, ciliumPools } from './cilium.ts';
import { ipamClaims } from './ipam-claim.ts';
import { virtualMachineInstances, virtualMachines } from './kubevirt.ts';
import { serviceCIDRs, serviceCIDRsBeta } from './service-cidr.ts';

export type { CalicoPool } from './calico-pool.ts';
export type { CiliumNode, CiliumPool } from './cilium.ts';
export type { IPAMClaim } from './ipam-claim.ts';
export type { VirtualMachine, VirtualMachineInstance } from './kubevirt.ts';
export type { ServiceCIDR } from './service-cidr.ts';

/** Every such kind. */
export const foreignResources = {
  calicoPools,
  calicoPoolStorage,
  ciliumNodes,
  ciliumPools,
  ipamClaims,
  serviceCIDRs,
  serviceCIDRsBeta,
  virtualMachineInstances,
  virtualMachines,
} as const;
