// Kinds of Whereabouts (k8snetworkplumbingwg/whereabouts, pkg/api v1alpha1): which addresses it has given to which pods.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const allocationSchema = partOf({
  id: z.string().describe('The sandbox of the pod.'),
  podref: z.string().describe('`namespace/name` of the pod.'),
  ifname: z.string().optional().describe('The interface in the pod. Older versions leave it out.'),
});

const poolSchema = partOf({
  ...typeFields,
  spec: partOf({
    range: z
      .string()
      .describe('A network as a CIDR. Offsets count from its address, also if host bits are set.'),
    allocations: z
      .record(z.string(), allocationSchema)
      .describe('By the offset of the address, as a decimal number.'),
  }),
});

export type WhereaboutsPool = z.infer<typeof poolSchema>;

const reservationSchema = partOf({
  ...typeFields,
  spec: partOf({
    podref: z.string().describe('`namespace/name` of the pod.'),
    ifname: z.string().optional().describe('The interface in the pod.'),
  }),
});

/** One address that is taken in all overlapping ranges. Its name is the address, with `-` for `:`. */
export type WhereaboutsReservation = z.infer<typeof reservationSchema>;

const common = {
  group: 'whereabouts.cni.cncf.io',
  version: 'v1alpha1',
  namespaced: true,
  statusSubresource: false,
} as const;

export const whereaboutsPools: ResourceType<WhereaboutsPool> = {
  ...common,
  kind: 'IPPool',
  plural: 'ippools',
  schema: poolSchema,
};

export const whereaboutsReservations: ResourceType<WhereaboutsReservation> = {
  ...common,
  kind: 'OverlappingRangeIPReservation',
  plural: 'overlappingrangeipreservations',
  schema: reservationSchema,
};
