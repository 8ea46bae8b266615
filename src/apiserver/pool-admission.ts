// Admission of our kinds in the server's process, by the decisions of plan/admission. On a cluster, webhooks ask the same ones.

import { type AdmissionCluster, admissionVerdict, admittedObject } from '#plan/admission';
import type { AdmissionIssue } from '#plan/ipam';
import type { ApiObject } from './json.ts';
import type { Admission, AdmissionRequest } from './ports.ts';
import { invalid, type StatusCause } from './status.ts';

/** The stored objects that an object is checked against. */
export type StoredObjects = Omit<AdmissionCluster, 'families'>;

/** Fills in missing fields. Refuses an object that contradicts itself, other pools or the nodes. */
export function poolAdmission(stored: StoredObjects): Admission {
  // The agents decide which address families are in use. So the server stores pools of both.
  const cluster: AdmissionCluster = { ...stored, families: [4, 6] };
  return {
    mutate(request) {
      const admitted = admittedObject(request, cluster);
      return admitted === request.object ? request.object : withFinalizersOf(request, admitted as ApiObject);
    },
    validate(request) {
      const { issues, warnings } = admissionVerdict(request, cluster);
      if (issues.length > 0) throw invalid(request, issues.map(causeOf));
      request.warnings.push(...warnings);
    },
  };
}

/**
 * On a cluster, a finalizer keeps a pool until a controller has seen that nobody holds its addresses. Here the check of
 * a deletion and the deletion are one step. There may be no controller that removes the finalizer.
 */
function withFinalizersOf({ object }: AdmissionRequest, admitted: ApiObject): ApiObject {
  const { finalizers: _, ...metadata } = admitted.metadata;
  const { finalizers } = object.metadata;
  return { ...admitted, metadata: { ...metadata, ...(finalizers !== undefined && { finalizers }) } };
}

function causeOf({ field, value, message, forbidden }: AdmissionIssue): StatusCause {
  const shown = JSON.stringify(value);
  if (forbidden) return { reason: 'FieldValueForbidden', message: `Forbidden: ${message}`, field };
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${shown}: ${message}`, field };
}
