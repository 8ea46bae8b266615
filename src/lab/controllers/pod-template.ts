// Pods made of a workload's template, and the hash by which pods of an older template are told.

import { createHash } from 'node:crypto';
import type { KubeObject, Pod, PodTemplate, ResourceType } from '#api';
import { canonical } from './controller.ts';
import { controlledBy } from './ownership.ts';

/** kubernetes' SafeEncodeString: no vowels, so that no words come out. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Ten letters that change with the template. */
export function templateHash(template: PodTemplate | undefined): string {
  const digest = createHash('sha256').update(canonical(template)).digest();
  return Array.from(digest.subarray(0, 10), (byte) => alphabet[byte % alphabet.length]).join('');
}

/** How a pod differs from the template it is made of. */
export interface PodTraits {
  /** Instead of a name that the server makes. */
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
