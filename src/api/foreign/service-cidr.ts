// ServiceCIDR: the networks of ClusterIPs (KEP-1880). v1 since Kubernetes 1.33, v1beta1 since 1.31.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const serviceCIDRSchema = partOf({
  ...typeFields,
  spec: partOf({
    cidrs: z.array(z.string()).optional().describe('At most one network of each family.'),
  }).optional(),
});

export type ServiceCIDR = z.infer<typeof serviceCIDRSchema>;

function servedAs(version: string): ResourceType<ServiceCIDR> {
  return {
    group: 'networking.k8s.io',
    version,
    kind: 'ServiceCIDR',
    plural: 'servicecidrs',
    namespaced: false,
    statusSubresource: true,
    schema: serviceCIDRSchema,
  };
}

export const serviceCIDRs = servedAs('v1');
export const serviceCIDRsBeta = servedAs('v1beta1');
