// Checks of a SpiderCoordinator that the CRD's schema cannot make: whether networks and addresses are valid.

import { z } from 'zod';
import { ipv4Address, networks, policyRouteSchema } from '../cni/index.ts';
import { type FieldIssue, issuesOf } from '../validation.ts';

/** The forms of the plugin's configuration, with the field names of the SpiderCoordinator. */
const specSchema = z.looseObject({
  hijackCIDR: networks,
  policyRoutes: z.array(policyRouteSchema).optional(),
  vethLinkAddress: ipv4Address,
});

/** What is wrong with the spec of a SpiderCoordinator. Empty if nothing is wrong. */
export function coordinatorIssues(spec: unknown): FieldIssue[] {
  return issuesOf(z.looseObject({ spec: specSchema.optional() }), { spec });
}
