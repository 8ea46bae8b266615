// The two namespaces that contain a pod's network.

import type { NetworkNamespace } from '#net';

export interface Namespaces {
  readonly pod: NetworkNamespace;
  readonly node: NetworkNamespace;
}
