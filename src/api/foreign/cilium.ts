// Kinds of Cilium that name networks of its pods.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const poolFamily = partOf({ cidrs: z.array(z.string()).optional() }).optional();

const ciliumPoolSchema = partOf({
  ...typeFields,
  spec: partOf({ ipv4: poolFamily, ipv6: poolFamily }).optional(),
});

export type CiliumPool = z.infer<typeof ciliumPoolSchema>;

const networks = z.array(z.string()).optional();

const ciliumNodeSchema = partOf({
  ...typeFields,
  spec: partOf({
    ipam: partOf({
      podCIDRs: networks.describe('Networks of this node in the modes cluster-pool and kubernetes.'),
      pools: partOf({
        allocated: z
          .array(partOf({ cidrs: networks }))
          .optional()
          .describe('Networks of this node in the mode multi-pool.'),
      }).optional(),
    }).optional(),
  }).optional(),
});

export type CiliumNode = z.infer<typeof ciliumNodeSchema>;

const cluster = { group: 'cilium.io', namespaced: false, statusSubresource: false } as const;

export const ciliumPools: ResourceType<CiliumPool> = {
  ...cluster,
  version: 'v2alpha1',
  kind: 'CiliumPodIPPool',
  plural: 'ciliumpodippools',
  schema: ciliumPoolSchema,
};

export const ciliumNodes: ResourceType<CiliumNode> = {
  ...cluster,
  version: 'v2',
  kind: 'CiliumNode',
  plural: 'ciliumnodes',
  schema: ciliumNodeSchema,
};
