// The Kubernetes API as an edge: the only way to reach state, on a cluster and in the lab alike.

import type { KubeObject, ResourceType } from '#api';

/** Which object: `namespace` only for namespaced kinds. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string;
}

/** What a list or a watch covers. */
export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  /** e.g. `spec.nodeName=node1`. */
  readonly fieldSelector?: string;
}

/** Limits of one request. */
export interface CallOptions {
  /** Ends the request; the default is 30 s. */
  readonly signal?: AbortSignal;
}

/** A page of a list (limit and continue are the client's business: it reads all pages). */
export interface ObjectList<T> {
  readonly items: T[];
  /** Where a watch of this list begins. */
  readonly resourceVersion: string;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/** How a patch body is read (Kubernetes API concepts, "Patch"). */
export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/**
 * Typed access to the API. A refusal is an OrbError: KUBE_NOT_FOUND (404), KUBE_CONFLICT (409, AlreadyExists included as
 * KUBE_ALREADY_EXISTS), KUBE_EXPIRED (410), KUBE_INVALID (400, 422), KUBE_FORBIDDEN (401, 403), KUBE_UNREACHABLE (no answer,
 * 429, 5xx): the server's own message is in `said`.
 */
export interface KubeClient {
  get<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, options?: CallOptions): Promise<T>;
  list<T extends KubeObject>(
    type: ResourceType<T>,
    selection?: Selection,
    options?: CallOptions,
  ): Promise<ObjectList<T>>;
  create<T extends KubeObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T>;
  /** Replaces the object; with `metadata.resourceVersion` only if that is still its newest. */
  update<T extends KubeObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T>;
  updateStatus<T extends KubeObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T>;
  patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: {
      readonly type: PatchType;
      readonly body: unknown;
      readonly subresource?: 'status';
      readonly fieldManager?: string;
    },
    options?: CallOptions,
  ): Promise<T>;
  delete(
    type: ResourceType,
    ref: ObjectRef,
    preconditions?: {
      readonly uid?: string;
      readonly resourceVersion?: string;
      readonly gracePeriodSeconds?: number;
    },
    options?: CallOptions,
  ): Promise<void>;
  /** Events after `resourceVersion`, until the server or the signal ends them; bookmarks are asked for. */
  watch<T extends KubeObject>(
    type: ResourceType<T>,
    selection: Selection & { readonly resourceVersion: string },
    options: CallOptions,
  ): AsyncIterable<WatchEvent<T>>;
}
