// What the server does to namespaces. A finalizer holds a namespace until it is empty, and a label carries its name.

import { ensureObject } from '../json.ts';
import type { Strategy } from '../ports.ts';

export const NAMESPACE_FINALIZER = 'kubernetes';

/** Namespaces that exist from the start. */
export const firstNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

export const namespaceStrategy: Strategy = {
  prepareCreate(namespace) {
    namespace.spec = { finalizers: [NAMESPACE_FINALIZER] };
    namespace.status = { phase: 'Active' };
    ensureObject(namespace.metadata, 'labels')['kubernetes.io/metadata.name'] = namespace.metadata.name;
  },
  prepareUpdate(namespace, old) {
    namespace.spec ??= old.spec ?? {};
    ensureObject(namespace.metadata, 'labels')['kubernetes.io/metadata.name'] = namespace.metadata.name;
  },
};
