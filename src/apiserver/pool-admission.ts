// Admission of SpiderIPPools, SpiderReservedIPs and SpiderCoordinators in the server. On a cluster, the controller's webhooks do this.

import {
  coordinatorIssues,
  type KubeObject,
  type Node,
  resources,
  type SpiderIPPool,
  type SpiderReservedIP,
} from '#api';
import {
  type AdmissionIssue,
  defaultPool,
  defaultReservedIP,
  nodeRouteIssues,
  poolWarnings,
  validatePool,
  validatePoolDeletion,
  validateReservedIP,
} from '#plan/ipam';
import type { ApiObject } from './json.ts';
import type { Admission, AdmissionRequest } from './objects/ports.ts';
import { invalid, type StatusCause } from './status.ts';

const { spiderCoordinators, spiderIPPools, spiderMultusConfigs, spiderReservedIPs, spiderSubnets } =
  resources;
/** The agents decide which address families are in use. So the server stores pools of both. */
const families = [4, 6] as const;

/** The stored objects that a pool is checked against. */
export interface StoredObjects {
  readonly pools: () => Iterable<SpiderIPPool>;
  readonly nodes: () => Iterable<Node>;
}

/** Fills in the missing fields of a pool. Refuses a pool that contradicts itself, other pools or the nodes. */
export function poolAdmission(stored: StoredObjects): Admission {
  return {
    mutate(request) {
      // The schema refuses an object that does not have the form of its kind.
      if (isOf(request, spiderIPPools, request.object)) {
        const old = request.oldObject as SpiderIPPool | undefined;
        return withFinalizersOf(request.object, defaultPool(request.object, old));
      }
      if (isOf(request, spiderReservedIPs, request.object)) {
        return defaultReservedIP(request.object) as ApiObject;
      }
      return request.object;
    },
    validate(request) {
      const issues = issuesOf(request, stored);
      if (issues.length > 0) throw invalid(request, issues.map(causeOf));
      request.warnings.push(...warningsOf(request));
    },
  };
}

function issuesOf(request: AdmissionRequest, { pools, nodes }: StoredObjects): AdmissionIssue[] {
  const { object, operation } = request;
  if (isOf(request, spiderIPPools, object)) {
    if (operation === 'DELETE') return validatePoolDeletion(object);
    const old = request.oldObject as SpiderIPPool | undefined;
    return [...validatePool(object, pools(), { old, families }), ...nodeRouteIssues(object, nodes(), old)];
  }
  if (isOf(request, spiderReservedIPs, object) && operation !== 'DELETE') {
    return validateReservedIP(object, { old: request.oldObject as SpiderReservedIP | undefined, families });
  }
  if (isOf(request, spiderCoordinators, object) && operation !== 'DELETE') {
    return coordinatorIssues(object.spec);
  }
  return [];
}

function warningsOf(request: AdmissionRequest): string[] {
  const { object, operation } = request;
  if (operation === 'DELETE') return [];
  if (isOf(request, spiderIPPools, object)) return poolWarnings(object);
  if (isOf(request, spiderMultusConfigs, object)) {
    return [
      'SpiderMultusConfig is stored but not acted on yet: write the NetworkAttachmentDefinition yourself',
    ];
  }
  if (isOf(request, spiderSubnets, object)) {
    return ['SpiderSubnet is stored but not acted on yet: write SpiderIPPools instead'];
  }
  return [];
}

/** Whether the request writes objects of the kind. Status writes by the agents do not count. */
function isOf<T extends KubeObject>(
  { group, plural, subresource }: AdmissionRequest,
  type: {
    readonly group: string;
    readonly plural: string;
    readonly schema: { safeParse(value: unknown): { success: boolean } };
  },
  object: ApiObject,
): object is ApiObject & T {
  if (group !== type.group || plural !== type.plural || subresource !== '') return false;
  return type.schema.safeParse(object).success;
}

/**
 * On a cluster, the finalizer keeps a pool until a controller has seen that nobody holds its addresses. Here the check of a deletion
 * and the deletion are one step. There may be no controller that removes the finalizer.
 */
function withFinalizersOf({ metadata: { finalizers } }: ApiObject, pool: SpiderIPPool): ApiObject {
  const { finalizers: _, ...metadata } = pool.metadata;
  return {
    ...pool,
    metadata: { ...metadata, ...(finalizers === undefined ? {} : { finalizers }) },
  } as ApiObject;
}

function causeOf({ field, value, message, forbidden }: AdmissionIssue): StatusCause {
  const shown = JSON.stringify(value);
  if (forbidden) return { reason: 'FieldValueForbidden', message: `Forbidden: ${message}`, field };
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${shown}: ${message}`, field };
}
