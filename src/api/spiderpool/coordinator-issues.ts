// What the CRD's schema cannot say of a SpiderCoordinator: networks and addresses that there are not.

import { z } from 'zod';
import { ipv4Address, networks, policyRouteSchema } from '../cni/coordinator-conf.ts';
import { type FieldIssue, issuesOf } from '../validation.ts';

/** The same forms as in the plugin's configuration, with the names of the SpiderCoordinator. */
const specSchema = z.looseObject({
  hijackCIDR: networks,
  policyRoutes: z.array(policyRouteSchema).optional(),
  vethLinkAddress: ipv4Address,
});

/** What is wrong with the spec of a SpiderCoordinator; empty when nothing is. */
export function coordinatorIssues(spec: unknown): FieldIssue[] {
  return issuesOf(z.looseObject({ spec: specSchema.optional() }), { spec });
}
