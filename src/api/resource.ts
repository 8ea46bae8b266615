// What every Kubernetes kind is to us: where the API serves it, and the schema that checks it.

import type { z } from 'zod';

/** A kind as the API serves it. */
export interface ResourceType<T extends KubeObject = KubeObject> {
  /** API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, as in the path. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Whether status is a subresource: then only `updateStatus` changes it. */
  readonly statusSubresource: boolean;
  /** What kubectl takes instead of the plural: `po`. */
  readonly shortNames?: readonly string[];
  /** Groups of kinds that kubectl lists together: `all`. */
  readonly categories?: readonly string[];
  /** Checks and types what the API answers; unknown fields pass through. */
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

/** The metadata fields we read or write; times are RFC 3339 text, as on the wire. */
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
