// The interface to the Kubernetes API. All state is reached through it, on a cluster and in the lab.

import type { KubeObject, ResourceType } from '#api';

/** Names an object. `namespace` is only for namespaced kinds. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string;
}

/** What a list or a watch covers. */
export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  /** For example `spec.nodeName=node1`. */
  readonly fieldSelector?: string;
}

/** Limits of one request. */
export interface CallOptions {
  /** Aborts the request. The default limit is 30 s. */
  readonly signal?: AbortSignal;
}

/** A list. The client reads all pages itself and handles limit and continue. */
export interface ObjectList<T> {
  readonly items: T[];
  /** Where a watch after this list begins. */
  readonly resourceVersion: string;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/** A token of a ServiceAccount. */
export interface AccountToken {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** How a patch body is read (Kubernetes API concepts, "Patch"). */
export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/**
 * Typed access to the API. A refusal is an OrbError, with the server's own message in `said`:
 * - KUBE_NOT_FOUND (404)
 * - KUBE_CONFLICT (409); KUBE_ALREADY_EXISTS for a 409 with reason AlreadyExists
 * - KUBE_EXPIRED (410)
 * - KUBE_INVALID (400, 422)
 * - KUBE_FORBIDDEN (401, 403)
 * - KUBE_UNREACHABLE (no answer, 429, 5xx)
 */
export interface KubeClient {
  get<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, options?: CallOptions): Promise<T>;
  list<T extends KubeObject>(
    type: ResourceType<T>,
    selection?: Selection,
    options?: CallOptions,
  ): Promise<ObjectList<T>>;
  create<T extends KubeObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T>;
  /** Replaces the object. With `metadata.resourceVersion`, only if that is still the newest version. */
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
      /** For `apply`: takes fields from other managers. Without it, a field of another manager is a KUBE_CONFLICT. */
      readonly force?: boolean;
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
  /** A new token of the ServiceAccount for these audiences (TokenRequest API). */
  requestToken(
    account: ObjectRef & { readonly namespace: string },
    asked: {
      readonly audiences: readonly string[];
      readonly expirationSeconds: number;
      /** The token ends with this node, and names it. Kubernetes 1.31 and newer. */
      readonly boundObjectRef?: {
        readonly apiVersion: 'v1';
        readonly kind: 'Node';
        readonly name: string;
      };
    },
    options?: CallOptions,
  ): Promise<AccountToken>;
  /** Events after `resourceVersion`, until the server or the signal ends them. Requests bookmarks. */
  watch<T extends KubeObject>(
    type: ResourceType<T>,
    selection: Selection & { readonly resourceVersion: string },
    options: CallOptions,
  ): AsyncIterable<WatchEvent<T>>;
}
