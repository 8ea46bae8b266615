// Which nodes a pod may run on.

import type { Node, PodSpec } from '#api';

/** Whether the node has the labels, or the name, that the pod asks for. */
export function fits(spec: PodSpec | undefined, { metadata }: Node): boolean {
  const { nodeName = '', nodeSelector = {} } = spec ?? {};
  const labels = metadata.labels ?? {};
  return (
    (nodeName === '' || nodeName === metadata.name) &&
    Object.entries(nodeSelector).every(([key, value]) => labels[key] === value)
  );
}

/** Whether the node takes new pods. */
export function takesPods({ spec, status }: Node): boolean {
  const ready = (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
  return ready && spec?.unschedulable !== true;
}
