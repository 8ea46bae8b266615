// Admission of SpiderMultusConfigs: what is stored, why one is refused, and what its author is told.

import { type NetworkAttachmentDefinition, resources, type SpiderMultusConfig } from '#api';
import type { AdmissionIssue } from '#plan/ipam';
import { annotationField, renamingIssues } from './name-issues.ts';
import {
  DEFINITION_NAME_ANNOTATION,
  definitionName,
  INJECT_NETWORK_ANNOTATION,
  INJECT_RDMA_ANNOTATION,
} from './names.ts';
import { foreignOwner, isConfig } from './ownership.ts';
import { readConfig } from './read-config.ts';

/** The part of the cluster that a SpiderMultusConfig is checked against. Objects of other namespaces do no harm. */
export interface ConfigNeighbours {
  readonly multusConfigs: () => Iterable<SpiderMultusConfig>;
  readonly definitions: () => Iterable<NetworkAttachmentDefinition>;
}

/**
 * What is stored. The pod webhook finds networks by labels, so the annotations of injection are mirrored there. The type
 * `custom` has no coordinator. All other defaults are those of the CRD.
 */
export function defaultMultusConfig(
  config: SpiderMultusConfig,
  old?: SpiderMultusConfig,
): SpiderMultusConfig {
  const { metadata, spec } = config;
  if (metadata.deletionTimestamp !== undefined) return config;
  const labels = mirroredLabels(config, old);
  const { coordinator: _, ...withoutCoordinator } = spec ?? {};
  const custom = spec === undefined || (spec.cniType ?? 'custom') === 'custom';
  const stored = custom
    ? { ...withoutCoordinator, cniType: 'custom' as const, enableCoordinator: false }
    : spec;
  return {
    ...config,
    metadata: { ...metadata, ...(labels !== metadata.labels && { labels }) },
    spec: stored as SpiderMultusConfig['spec'],
  };
}

/** Why a SpiderMultusConfig is refused. Empty if it is admitted. `old` is the stored object on an update. */
export function multusConfigIssues(
  config: SpiderMultusConfig,
  neighbours: ConfigNeighbours,
  old?: SpiderMultusConfig,
): AdmissionIssue[] {
  // Only finalizers change now.
  if (config.metadata.deletionTimestamp !== undefined) return [];
  const renamed = old === undefined ? [] : renamingIssues(config, old);
  const { issues = [] } = readConfig(config);
  return [...renamed, ...issues, ...(issues.length > 0 ? [] : rivalIssues(config, neighbours))];
}

/** Two objects must not write one definition. Spiderpool looks at the definition alone, which is made a little later. */
function rivalIssues(
  config: SpiderMultusConfig,
  { multusConfigs, definitions }: ConfigNeighbours,
): AdmissionIssue[] {
  const { namespace, annotations } = config.metadata;
  const name = definitionName(config);
  const isHere = (other: NetworkAttachmentDefinition | SpiderMultusConfig) =>
    other.metadata.namespace === namespace;
  const definition = [...definitions()].find((one) => isHere(one) && one.metadata.name === name);
  const owner = definition && foreignOwner(definition, config);
  const rival = [...multusConfigs()].find(
    (one) => isHere(one) && one.metadata.name !== config.metadata.name && definitionName(one) === name,
  );
  const manager = owner ?? (rival && { kind: resources.spiderMultusConfigs.kind, name: rival.metadata.name });
  if (manager === undefined) return [];
  const place = isConfig(manager) ? `${namespace}/${manager.name}` : `${manager.name}`;
  const message = `the net-attach-def ${namespace}/${name} already exists and is managed by ${manager.kind} ${place}.`;
  const renamed = annotations?.[DEFINITION_NAME_ANNOTATION] !== undefined;
  const field = renamed ? annotationField(DEFINITION_NAME_ANNOTATION) : 'metadata.name';
  return [{ field, value: name, message, forbidden: true }];
}

/** A label that was mirrored goes with its annotation. Spiderpool leaves it, and goes on injecting the network. */
function mirroredLabels(
  { metadata }: SpiderMultusConfig,
  old?: SpiderMultusConfig,
): Record<string, string> | undefined {
  let { labels } = metadata;
  for (const key of [INJECT_RDMA_ANNOTATION, INJECT_NETWORK_ANNOTATION]) {
    const [value, before] = [metadata, old?.metadata].map((each) => each?.annotations?.[key]);
    if (value !== undefined && labels?.[key] !== value) labels = { ...labels, [key]: value };
    if (value !== undefined || before === undefined || labels?.[key] !== before) continue;
    const { [key]: _, ...others } = labels;
    labels = others;
  }
  return labels;
}
