// A claim for the addresses of an interface. It outlives pods (k8snetworkplumbingwg/ipamclaims, v1alpha1).

import { z } from 'zod';
import { conditionsField } from '../core/index.ts';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const schema = partOf({
  ...typeFields,
  status: partOf({
    ips: z.array(z.string()).nullish().describe('The addresses of the interface, with prefix length.'),
    ownerPod: partOf({ name: z.string().optional() }).nullish().describe('The pod that uses the claim.'),
    conditions: conditionsField,
  }).optional(),
});

export type IPAMClaim = z.infer<typeof schema>;

export const ipamClaims: ResourceType<IPAMClaim> = {
  group: 'k8s.cni.cncf.io',
  version: 'v1alpha1',
  kind: 'IPAMClaim',
  plural: 'ipamclaims',
  namespaced: true,
  statusSubresource: true,
  schema,
};
