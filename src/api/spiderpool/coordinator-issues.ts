// What the CRD's schema cannot say of a SpiderCoordinator: networks, addresses and names that a pod could not be given.

import { z } from 'zod';
import { interfaceName, ipv4Address, networks, policyRouteSchema } from '../cni/coordinator-conf.ts';
import { type FieldIssue, issuesOf } from '../validation.ts';

/** The same forms as in the plugin's configuration, with the names of the SpiderCoordinator. */
const specSchema = z.looseObject({
  hijackCIDR: networks,
  policyRoutes: z.array(policyRouteSchema).optional(),
  podDefaultRouteNIC: interfaceName,
  hostRuleTable: z
    .int()
    .refine((table) => table < 253 || table > 255, {
      error: 'must be a table other than default, main and local (253 to 255)',
    })
    .optional(),
  vethLinkAddress: ipv4Address,
  vethMTU: z.int().min(68).max(65_535).optional(),
});

/** What is wrong with the spec of a SpiderCoordinator; empty when nothing is. */
export function coordinatorIssues(spec: unknown): FieldIssue[] {
  return issuesOf(z.looseObject({ spec: specSchema.optional() }), { spec });
}
