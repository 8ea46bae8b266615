// Kinds of other programs. We read them, and write the status of IPAMClaims. On the way back to Whereabouts we write its
// pools. The embedded API server has none of them.

import { calicoPoolStorage, calicoPools } from './calico-pool.ts';
import { ciliumNodes, ciliumPools } from './cilium.ts';
import { ipamClaims } from './ipam-claim.ts';
import { virtualMachineInstances, virtualMachines } from './kubevirt.ts';
import { serviceCIDRs, serviceCIDRsBeta } from './service-cidr.ts';
import { whereaboutsPools, whereaboutsReservations } from './whereabouts.ts';

export type { CalicoPool } from './calico-pool.ts';
export type { CiliumNode, CiliumPool } from './cilium.ts';
export type { IPAMClaim } from './ipam-claim.ts';
export type { VirtualMachine, VirtualMachineInstance } from './kubevirt.ts';
export type { ServiceCIDR } from './service-cidr.ts';
export type { WhereaboutsPool, WhereaboutsReservation } from './whereabouts.ts';

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
  whereaboutsPools,
  whereaboutsReservations,
} as const;
