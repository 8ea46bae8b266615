// Pods made from a workload's template, and the hash that shows which pods have an older template.

import { createHash } from 'node:crypto';
import type { KubeObject, Pod, PodTemplate, ResourceType } from '#api';
import { canonical } from './controller.ts';
import { controlledBy } from './ownership.ts';

/** kubernetes' SafeEncodeString: it has no vowels, so that it forms no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Ten characters that change with the template. */
export function templateHash(template: PodTemplate | undefined): string {
  const digest = createHash('sha256').update(canonical(template)).digest();
  return Array.from(digest.subarray(0, 10), (byte) => alphabet[byte % alphabet.length]).join('');
}

/** How a pod differs from its template. */
export interface PodTraits {
  /** A fixed name, instead of one that the server generates. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Partial<NonNullable<Pod['spec']>>;
}

/** A new pod of `owner`. */
export function podOf(
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
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [controlledBy(type, owner)],
    },
    spec: { containers: [], ...template?.spec, ...spec },
  };
}
