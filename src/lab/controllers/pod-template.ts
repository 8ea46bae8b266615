// Pods made from a workload's template, and the hash that shows which pods have an older template.

import { createHash } from 'node:crypto';
import type { KubeObject, Pod, PodTemplate, ResourceType } from '#api';
import { canonical, controlledBy } from '#reconcile';

/** kubernetes' SafeEncodeString: it has no vowels, so that it forms no words. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** Ten characters that change with the template. */
export function templateHash(template: PodTemplate | undefined): string {
  const digest = createHash('sha256').update(canonical(template)).digest();
  return Array.from(digest.subarray(0, 10), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** How a pod differs from its template. */
export interface PodTraits {
  /** A fixed name, instead of one that the server generates. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Partial<NonNullable<Pod['spec']>>;
}

/** A new pod of `owner`. */
export function podFromTemplate(
  type: ResourceType,
  owner: KubeObject,
  template: PodTemplate | undefined,
  { name, labels, spec }: PodTraits = {},
): Pod {
  const { metadata } = template ?? {};
  return {
    metadata: {
      ...(name === undefined ? { generateName: `${owner.metadata.name}-` } : { name }),
      namespace: owner.metadata.namespace,
      labels: { ...metadata?.labels, ...labels },
      ...(metadata?.annotations !== undefined && { annotations: metadata.annotations }),
      ownerReferences: [controlledBy(type, owner)],
    },
    spec: { containers: [], ...template?.spec, ...spec },
  };
}

/** The most pods that one plan creates (kube-controller-manager's BurstReplicas). When they appear, the next plan is made. */
export const BURST = 500;

/** The missing pods, at most as many as one plan creates. A count of two thousand million must not fill the memory. */
export function inBursts<T>(missing: number, make: () => T): T[] {
  return Array.from({ length: Math.min(Math.max(missing, 0), BURST) }, make);
}
