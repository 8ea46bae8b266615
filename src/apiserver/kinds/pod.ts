// What the server does to pods: it fills the defaults of the specification, and says which fields may change later.

import {
  type ApiObject,
  ensureObject,
  equal,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  setDefault,
  stringAt,
  valueAt,
} from '../json.ts';
import type { Strategy } from '../ports.ts';
import type { StatusCause } from '../status.ts';

/** Fills the defaults of a pod's specification, also inside the templates of workloads. */
export function defaultPodSpec(spec: JsonObject): void {
  setDefault(spec, 'restartPolicy', 'Always');
  setDefault(spec, 'terminationGracePeriodSeconds', 30);
  setDefault(spec, 'dnsPolicy', 'ClusterFirst');
  setDefault(spec, 'schedulerName', 'default-scheduler');
  setDefault(spec, 'securityContext', {});
  for (const container of [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')]) {
    if (!isObject(container)) continue;
    const image = stringAt(container, 'image') ?? '';
    const latest = !image.includes('@') && (image.endsWith(':latest') || !/:[^/]*$/.test(image));
    setDefault(container, 'imagePullPolicy', latest ? 'Always' : 'IfNotPresent');
    setDefault(container, 'resources', {});
    setDefault(container, 'terminationMessagePath', '/dev/termination-log');
    setDefault(container, 'terminationMessagePolicy', 'File');
  }
}

/** What is missing in the containers of a pod's specification at `field` (kubernetes ValidatePodSpec). */
export function containerCauses(spec: Json | undefined, field: string): StatusCause[] {
  const required = (at: string): StatusCause => {
    return { reason: 'FieldValueRequired', message: 'Required value', field: `${field}.${at}` };
  };
  const causes = listAt(spec, 'containers').length === 0 ? [required('containers')] : [];
  for (const list of ['initContainers', 'containers']) {
    listAt(spec, list).forEach((container, index) => {
      if (!stringAt(container, 'image')?.trim()) causes.push(required(`${list}[${index}].image`));
    });
  }
  return causes;
}

/** Fields of a pod's specification that may change after creation (kubernetes ValidatePodUpdate). */
const changeable = new Set([
  'activeDeadlineSeconds',
  'tolerations',
  'terminationGracePeriodSeconds',
  'schedulingGates',
  'nodeName',
  'ephemeralContainers',
]);

export const podStrategy: Strategy = {
  prepareCreate(pod) {
    defaultPodSpec(ensureObject(pod, 'spec'));
    setDefault(ensureObject(pod, 'spec'), 'enableServiceLinks', true);
    pod.status = { phase: 'Pending', qosClass: 'BestEffort' };
  },
  prepareUpdate(pod) {
    defaultPodSpec(ensureObject(pod, 'spec'));
  },
  validate(pod, old) {
    const causes = containerCauses(pod.spec, 'spec');
    if (old !== undefined && !equal(fixedPart(pod), fixedPart(old))) {
      const message =
        'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
      causes.push({ reason: 'FieldValueForbidden', message, field: 'spec' });
    }
    const bound = valueAt(old, 'spec', 'nodeName');
    if (bound && bound !== valueAt(pod, 'spec', 'nodeName')) {
      causes.push({
        reason: 'FieldValueForbidden',
        message: 'Forbidden: a bound pod stays on its node',
        field: 'spec.nodeName',
      });
    }
    return causes;
  },
};

function fixedPart(pod: ApiObject): Json {
  const spec = valueAt(pod, 'spec');
  if (!isObject(spec)) return null;
  const kept = Object.entries(spec).filter(([field]) => !changeable.has(field));
  const withoutImages = kept.map(([field, value]): [string, Json] => {
    if (!Array.isArray(value) || (field !== 'containers' && field !== 'initContainers'))
      return [field, value];
    return [
      field,
      value.map((item) => (isObject(item) ? { ...item, image: '', imagePullPolicy: '' } : item)),
    ];
  });
  return Object.fromEntries(withoutImages);
}
