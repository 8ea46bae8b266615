// The annotation by which a pod leaves Services to kube-proxy.

import type { Pod } from '#api';
import { OrbError } from '#base';

export const SERVICE_MODE_ANNOTATION = 'orbweaver.io/service-mode';

const allowed = ['kube-proxy', 'ebpf'];

type Annotations = Readonly<Record<string, string>>;

/** Throws INPUT_INVALID for a value that is none. */
export function checkServiceMode(annotations: Annotations): void {
  const value = annotations[SERVICE_MODE_ANNOTATION];
  if (value === undefined || allowed.includes(value)) return;
  throw new OrbError('INPUT_INVALID', {
    message: `annotation ${SERVICE_MODE_ANNOTATION} is ${JSON.stringify(value)}; allowed: ${allowed.join(', ')}`,
    subject: 'pod',
  });
}

/** Whether no socket call of the pod is served. */
export function leavesServices({ metadata }: Pod): boolean {
  return metadata.annotations?.[SERVICE_MODE_ANNOTATION] === 'kube-proxy';
}
