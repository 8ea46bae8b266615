// The trials: each is one cluster and one choice of Kubernetes' tests.

import type { ClusterParts } from '../kube/cluster.ts';
import { bridge, calico, calicoAlone, multus, type PodNetwork, underlay } from './pod-networks.ts';
import type { SuiteName } from './suites.ts';

export interface Trial {
  readonly network: PodNetwork;
  readonly proxyMode: ClusterParts['proxyMode'];
  readonly suite: SuiteName;
  /** The trial without us. A test that fails there too is no fault of ours. */
  readonly reference?: string;
}

const of = (
  network: PodNetwork,
  proxyMode: Trial['proxyMode'],
  suite: SuiteName,
  reference?: string,
): Trial => ({
  network,
  proxyMode,
  suite,
  ...(reference !== undefined && { reference }),
});

export const trials: ReadonlyMap<string, Trial> = new Map([
  ['underlay', of(underlay, 'iptables', 'conformance', 'reference')],
  ['underlay-nftables', of(underlay, 'nftables', 'conformance', 'reference')],
  ['underlay-no-proxy', of(underlay, 'none', 'conformance', 'reference')],
  ['underlay-no-proxy-wider', of(underlay, 'none', 'wider', 'reference-wider')],
  ['multus', of(multus, 'iptables', 'conformance', 'reference')],
  ['overlay', of(calico, 'iptables', 'conformance', 'reference')],
  ['reference', of(bridge, 'iptables', 'conformance')],
  ['underlay-wider', of(underlay, 'iptables', 'wider', 'reference-wider')],
  ['reference-wider', of(bridge, 'iptables', 'wider')],
  ['policy', of(calico, 'iptables', 'policy', 'reference-policy')],
  ['reference-policy', of(calicoAlone, 'iptables', 'policy')],
]);
