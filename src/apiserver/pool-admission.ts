// Admission of our kinds in the server's process, by the decisions of plan/admission. On a cluster, webhooks ask the same ones.

import { type AdmissionCluster, admissionVerdict, refusalCause, storedObject } from '#plan/admission';
import type { ApiObject } from './json.ts';
import type { Admission } from './ports.ts';
import { invalid } from './status.ts';

/** The stored objects that an object is checked against. */
export type StoredObjects = Omit<AdmissionCluster, 'families'>;

/** Fills in missing fields. Refuses an object that contradicts itself, other pools or the nodes. */
export function poolAdmission(stored: StoredObjects): Admission {
  // The agents decide which address families are in use. So the server stores pools of both.
  const cluster: AdmissionCluster = { ...stored, families: [4, 6] };
  return {
    mutate(request) {
      return storedObject(request, cluster) as ApiObject;
    },
    validate(request) {
      const { issues, warnings } = admissionVerdict(request, cluster);
      if (issues.length > 0) throw invalid(request, issues.map(refusalCause));
      request.warnings.push(...warnings);
    },
  };
}
