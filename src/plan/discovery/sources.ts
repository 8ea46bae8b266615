// The objects that may say which networks the cluster has, and how far they were read.

import {
  type CalicoPool,
  type CiliumNode,
  type CiliumPool,
  type ConfigMap,
  foreignResources,
  type KubeObject,
  type Node,
  type Pod,
  type ResourceType,
  resources,
  type ServiceCIDR,
} from '#api';
import { type Answer, type Fault, fault } from './answer.ts';

/** The objects of each source. */
interface SourceObjects {
  readonly nodes: Node;
  readonly serviceCIDRs: ServiceCIDR;
  readonly serviceCIDRsBeta: ServiceCIDR;
  readonly kubeadmConfig: ConfigMap;
  readonly controllerManagers: Pod;
  readonly apiServers: Pod;
  readonly calicoPools: CalicoPool;
  readonly calicoPoolStorage: CalicoPool;
  readonly ciliumConfig: ConfigMap;
  readonly ciliumPools: CiliumPool;
  readonly ciliumNodes: CiliumNode;
  readonly flannelConfig: ConfigMap;
}

export type SourceName = keyof SourceObjects;

/** How a source is listed and watched. */
export interface Source {
  readonly type: ResourceType;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Where Cilium keeps its configuration (SPIDERPOOL_CILIUM_CONFIGMAP_NAMESPACE_NAME). */
export interface CiliumConfigName {
  readonly namespace: string;
  readonly name: string;
}

export const defaultCiliumConfig: CiliumConfigName = { namespace: 'kube-system', name: 'cilium-config' };

/** How each source is followed. Only those of {@link Discovery.consulted} need to be. */
export function sourcesOf(cilium: CiliumConfigName): Readonly<Record<SourceName, Source>> {
  const { configMaps, nodes, pods } = resources;
  const named = (name: string) => ({ type: configMaps, fieldSelector: `metadata.name=${name}` });
  const component = (name: string) => ({ type: pods, labelSelector: `component=${name}` });
  return {
    nodes: { type: nodes },
    serviceCIDRs: { type: foreignResources.serviceCIDRs },
    serviceCIDRsBeta: { type: foreignResources.serviceCIDRsBeta },
    kubeadmConfig: { ...named('kubeadm-config'), namespace: 'kube-system' },
    // kubeadm, RKE2 and kubespray make static pods with this label.
    controllerManagers: component('kube-controller-manager'),
    apiServers: component('kube-apiserver'),
    calicoPools: { type: foreignResources.calicoPools },
    calicoPoolStorage: { type: foreignResources.calicoPoolStorage },
    ciliumConfig: { ...named(cilium.name), namespace: cilium.namespace },
    ciliumPools: { type: foreignResources.ciliumPools },
    ciliumNodes: { type: foreignResources.ciliumNodes },
    // In the namespace kube-flannel, and before flannel 0.20 in kube-system.
    flannelConfig: named('kube-flannel-cfg'),
  };
}

/**
 * The last state of a source. `notServed`: the server does not know the kind, for example because its CRD is not installed
 * yet. It is asked again later, with a back-off. A source without a `Reading` was not listed yet.
 */
export type Reading<T> =
  | { readonly state: 'read'; readonly items: readonly T[] }
  | { readonly state: 'notServed' }
  | { readonly state: 'forbidden' | 'failed'; readonly said: string };

export type ClusterFacts = { readonly [N in SourceName]?: Reading<SourceObjects[N]> | undefined };

/** Reads sources, and remembers which ones. */
export class SourceReader {
  readonly consulted = new Set<SourceName>();
  readonly #facts: ClusterFacts;
  readonly #sources: Readonly<Record<SourceName, Source>>;

  constructor(facts: ClusterFacts, sources: Readonly<Record<SourceName, Source>>) {
    this.#facts = facts;
    this.#sources = sources;
  }

  /** The objects of the source, the oldest first, or why there are none. */
  items<N extends SourceName>(name: N): readonly SourceObjects[N][] | Answer {
    this.consulted.add(name);
    const reading = this.#facts[name] as Reading<SourceObjects[N]> | undefined;
    if (reading?.state === 'read') return reading.items.toSorted(byAge);
    return fault(...this.#unread(name, reading));
  }

  #unread(
    name: SourceName,
    reading: Exclude<Reading<never>, { state: 'read' }> | undefined,
  ): [Fault['reason'], string] {
    const what = described(this.#sources[name]);
    switch (reading?.state) {
      case undefined:
        return ['NotRead', `${what} were not read yet`];
      case 'notServed':
        return ['NotServed', `the API server does not serve ${what}`];
      case 'forbidden':
        return ['Forbidden', `the controller may not list ${what}: ${reading.said}`];
      case 'failed':
        return ['Failed', `${what} cannot be listed: ${reading.said}`];
    }
  }
}

function described({ type, namespace, labelSelector, fieldSelector }: Source): string {
  const kind = type.group === '' ? type.plural : `${type.plural}.${type.version}.${type.group}`;
  const selector = [labelSelector, fieldSelector].filter((part) => part !== undefined).join(', ');
  return [kind, selector && `with ${selector}`, namespace && `in ${namespace}`].filter(Boolean).join(' ');
}

/** By creation, as Spiderpool orders networks. Objects of the same second are ordered by name. */
function byAge(a: KubeObject, b: KubeObject): number {
  const key = ({ metadata }: KubeObject) => `${metadata.creationTimestamp ?? ''} ${metadata.name ?? ''}`;
  return key(a) < key(b) ? -1 : 1;
}
