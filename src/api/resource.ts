// Our description of a Kubernetes kind: where the API serves it, and the schema that checks it.

import type { z } from 'zod';

/** A kind as the API serves it. */
export interface ResourceType<T extends KubeObject = KubeObject> {
  /** API group. Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The plural in lower case, as in the path. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Whether status is a subresource. Then only `updateStatus` changes it. */
  readonly statusSubresource: boolean;
  /** What kubectl accepts instead of the plural: `po`. */
  readonly shortNames?: readonly string[];
  /** Groups of kinds that kubectl lists together: `all`. */
  readonly categories?: readonly string[];
  /** Checks and types the answers of the API. Unknown fields are kept. */
  readonly schema: z.ZodType<T>;
}

/** metadata.ownerReferences[] (Kubernetes API conventions). */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean | undefined;
  readonly blockOwnerDeletion?: boolean | undefined;
}

/** The metadata fields that we read or write. Times are RFC 3339 text, as on the wire. */
export interface ObjectMeta {
  name?: string | undefined;
  generateName?: string | undefined;
  namespace?: string | undefined;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  generation?: number | undefined;
  creationTimestamp?: string | null | undefined;
  deletionTimestamp?: string | undefined;
  deletionGracePeriodSeconds?: number | undefined;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
  finalizers?: string[] | undefined;
  ownerReferences?: OwnerReference[] | undefined;
}

/** Any object of the API. */
export interface KubeObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata: ObjectMeta;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(type: Pick<ResourceType, 'group' | 'version'>): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}
