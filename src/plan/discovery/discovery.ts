// The networks of the cluster, as the status of a SpiderCoordinator shows them.

import type { Condition, SpiderCoordinator } from '#api';
import { formatCidr } from '#ip';
import { type Answer, type Fault, noNetworks } from './answer.ts';
import { podNetworks } from './pod-networks.ts';
import { serviceNetworks } from './service-networks.ts';
import {
  type CiliumConfigName,
  type ClusterFacts,
  defaultCiliumConfig,
  type SourceName,
  SourceReader,
  sourcesOf,
} from './sources.ts';

export interface DiscoveryOptions {
  /** Reads YAML. Throws if it is none. */
  readonly readYaml: (text: string) => unknown;
  /** {@link defaultCiliumConfig} by default. */
  readonly ciliumConfig?: CiliumConfigName;
}

/** A condition before its time of transition is known. */
export type DiscoveryCondition = Omit<Condition, 'lastTransitionTime'>;

/** The status of a SpiderCoordinator, with conditions before their time of transition is known. */
export interface DiscoveredStatus {
  readonly phase: 'Synced' | 'NotReady';
  /** Why it is not Synced. Empty if it is. */
  readonly reason: string;
  readonly overlayPodCIDR: readonly string[];
  readonly serviceCIDR: readonly string[];
  readonly conditions: readonly DiscoveryCondition[];
}

export interface Discovery {
  /**
   * The status to write. Undefined while a source was not listed yet: the status stays as it is, so that a start of the
   * controller stops no pods.
   */
  readonly status: DiscoveredStatus | undefined;
  /** The sources that the answer depends on. Changes of others change nothing, so only these need to be watched. */
  readonly consulted: ReadonlySet<SourceName>;
}

/**
 * Finds the networks. `Synced` only if both lists are complete. A list that is not complete has what was found, and its
 * condition says what is wrong.
 */
export function discoverNetworks(
  { metadata, spec }: Pick<SpiderCoordinator, 'metadata' | 'spec'>,
  facts: ClusterFacts,
  { readYaml, ciliumConfig = defaultCiliumConfig }: DiscoveryOptions,
): Discovery {
  const reader = new SourceReader(facts, sourcesOf(ciliumConfig));
  const type = spec?.podCIDRType ?? 'auto';
  const pods = podNetworks(type, { reader, readYaml });
  // Nothing of the cluster is then reached through the node: another program translates Services.
  const services =
    type === 'none' ? noNetworks('podCIDRType is none') : serviceNetworks({ reader, readYaml });
  const { consulted } = reader;
  const faults = [...pods.faults, ...services.faults];
  if (faults.some(({ reason }) => reason === 'NotRead')) return { status: undefined, consulted };
  const status: DiscoveredStatus = {
    phase: faults.length === 0 ? 'Synced' : 'NotReady',
    reason: textOf(faults),
    overlayPodCIDR: pods.networks.map(formatCidr),
    serviceCIDR: services.networks.map(formatCidr),
    conditions: [
      condition('OverlayPodCIDRFound', pods, metadata.generation),
      condition('ServiceCIDRFound', services, metadata.generation),
    ],
  };
  return { status, consulted };
}

/** How long a text is at most. The API server accepts 32768 characters in a condition (metav1.Condition). */
const TEXT_LENGTH = 1000;

/** One source may be missing for both lists. It is named once. */
function textOf(faults: readonly Fault[]): string {
  const text = [...new Set(faults.map((fault) => fault.text))].join('; ');
  return text.length > TEXT_LENGTH ? `${text.slice(0, TEXT_LENGTH)}…` : text;
}

function condition(
  type: string,
  { networks, faults, from }: Answer,
  observedGeneration: number | undefined,
): DiscoveryCondition {
  const generation = observedGeneration === undefined ? {} : { observedGeneration };
  const [first] = faults;
  if (first === undefined) {
    return {
      type,
      status: 'True',
      reason: networks.length > 0 ? 'Found' : 'None',
      message: from,
      ...generation,
    };
  }
  return { type, status: 'False', reason: first.reason, message: textOf(faults), ...generation };
}
