// Checks of a SpiderCoordinator that the CRD's schema cannot make: whether networks and addresses are valid.

import { z } from 'zod';
import { ipv4Address, networks, policyRouteSchema } from '../cni/index.ts';
import { type FieldIssue, issuesOf } from '../validation.ts';
import { podCIDRTypes } from './coordinator.ts';

/** The forms of the plugin's configuration, with the field names of the SpiderCoordinator. */
const specSchema = z.looseObject({
  hijackCIDR: networks,
  policyRoutes: z.array(policyRouteSchema).optional(),
  vethLinkAddress: ipv4Address,
});

const specifiedSchema = z.looseObject({ spec: specSchema.optional() });

/**
 * What is wrong with the spec of a SpiderCoordinator. Empty if nothing is wrong. `old` is the stored spec on an update:
 * a coordinator that an older admission stored without podCIDRType may be written again.
 */
export function coordinatorIssues(spec: Spec, old?: Spec): FieldIssue[] {
  return [...typeIssues(spec, old), ...issuesOf(specifiedSchema, { spec })];
}

/** A SpiderMultusConfig's block has the same fields, and none of them is filled. */
type Spec = { readonly podCIDRType?: string | undefined } | undefined;

function typeIssues(spec: Spec, old: Spec): FieldIssue[] {
  const isOld = old !== undefined && old.podCIDRType === undefined;
  if (spec?.podCIDRType !== undefined || isOld) return [];
  const message = `is required: one of ${podCIDRTypes.join(', ')}`;
  return [{ field: 'spec.podCIDRType', value: undefined, message }];
}
