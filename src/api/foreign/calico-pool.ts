// IPPool of Calico: networks of its pods. Calico's API server, or CRDs since Calico 3.32, serve it as
// projectcalico.org/v3. Behind the API server, and without one, it is stored as crd.projectcalico.org/v1.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const calicoPoolSchema = partOf({
  ...typeFields,
  spec: partOf({
    cidr: z.string().optional().describe('The network.'),
    disabled: z.boolean().optional().describe('Whether new pods get no address of it.'),
    allowedUses: z
      .array(z.string())
      .optional()
      .describe('Workload, Tunnel, LoadBalancer; the first two unless set.'),
  }).optional(),
});

export type CalicoPool = z.infer<typeof calicoPoolSchema>;

function servedAs(group: string, version: string): ResourceType<CalicoPool> {
  return {
    group,
    version,
    kind: 'IPPool',
    plural: 'ippools',
    namespaced: false,
    statusSubresource: false,
    schema: calicoPoolSchema,
  };
}

export const calicoPools = servedAs('projectcalico.org', 'v3');
export const calicoPoolStorage = servedAs('crd.projectcalico.org', 'v1');
