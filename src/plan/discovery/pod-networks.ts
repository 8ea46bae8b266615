// The networks of overlay pods, by podCIDRType.

import type { SpiderCoordinator } from '#api';
import { type Answer, fault, firstFound, noNetworks, union } from './answer.ts';
import { calicoNetworks } from './calico.ts';
import { ciliumNetworks } from './cilium.ts';
import { k3sNetworks, kubeadmNetworks, managerNetworks } from './control-plane.ts';
import { type DetectedOverlay, detectedOverlays } from './detection.ts';
import { flannelNetworks } from './flannel.ts';
import { nodeNetworks } from './node-networks.ts';
import type { SourceReader } from './sources.ts';

export type PodCIDRType = NonNullable<NonNullable<SpiderCoordinator['spec']>['podCIDRType']>;

export interface Sources {
  readonly reader: SourceReader;
  /** Reads YAML. Throws if it is none. */
  readonly readYaml: (text: string) => unknown;
}

export function podNetworks(type: PodCIDRType, sources: Sources): Answer {
  switch (type) {
    case 'none':
      return noNetworks('podCIDRType is none');
    case 'cluster':
      return clusterNetworks(sources);
    case 'calico':
      return calico(sources);
    case 'cilium':
      return ciliumNetworks(sources.reader, () => clusterNetworks(sources));
    case 'auto':
      return detectedNetworks(sources);
  }
}

/** The networks that the cluster gives its nodes. Each source alone is the whole truth. */
function clusterNetworks({ reader, readYaml }: Sources): Answer {
  return firstFound(
    [
      () => kubeadmNetworks(reader, readYaml, 'pods'),
      () => managerNetworks(reader, 'pods'),
      () => k3sNetworks(reader, 'pods'),
      () => nodeNetworks(reader),
    ],
    ['NotFound', 'Forbidden'],
  );
}

/** Canal, and Calico with the IPAM of the nodes' networks, have no pools. */
function calico(sources: Sources): Answer {
  return firstFound([() => calicoNetworks(sources.reader), () => clusterNetworks(sources)]);
}

function detectedNetworks(sources: Sources): Answer {
  const nodes = sources.reader.items('nodes');
  if ('faults' in nodes) return nodes;
  const overlays = detectedOverlays(nodes);
  if (overlays.length === 0) {
    return fault(
      'NotFound',
      'no agent has written the CNI configuration of its node on the Node yet; podCIDRType other than auto does not need it',
    );
  }
  return union(overlays.map((each) => networksOf(each, sources)));
}

function networksOf({ overlay, name }: DetectedOverlay, sources: Sources): Answer {
  const { reader } = sources;
  switch (overlay) {
    case 'calico':
      return calico(sources);
    case 'cilium':
      return ciliumNetworks(reader, () => clusterNetworks(sources));
    case 'flannel':
      return firstFound([() => flannelNetworks(reader), () => clusterNetworks(sources)]);
    case 'node':
      return firstFound([() => nodeNetworks(reader), () => clusterNetworks(sources)]);
    case 'unknown':
      return noNetworks(
        name === '' ? 'the nodes have no CNI configuration' : `CNI ${name} has no networks that are known`,
      );
  }
}
