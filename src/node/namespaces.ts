// The two namespaces that a pod's network stands in.

import type { NetworkNamespace } from '#net';

export interface Namespaces {
  readonly pod: NetworkNamespace;
  readonly node: NetworkNamespace;
}
