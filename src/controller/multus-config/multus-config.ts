// Keeps the NetworkAttachmentDefinition of each SpiderMultusConfig as the SpiderMultusConfig says.

import {
  type KubeObject,
  type NetworkAttachmentDefinition,
  resources,
  type SpiderMultusConfig,
  unreadableNote,
} from '#api';
import { keyOf } from '#kube';
import {
  definitionChanges,
  definitionName,
  type Outcome,
  readyCondition,
  renderDefinition,
  takeOverText,
} from '#plan/multus-config';
import { type Action, BY_NAMESPACE, splitKey, statusActions, withCondition } from '#reconcile';
import { shortened } from '../conditions/index.ts';
import type { NetworkController, NetworkState } from '../kinds.ts';

const { spiderMultusConfigs, networkAttachmentDefinitions } = resources;

export const multusConfigController: NetworkController = {
  name: 'spidermultusconfig',
  concerns: (kind, object, state) =>
    kind === 'configs' ? [keyOf(object)] : configsOf(object, state).map(keyOf),
  plan: (key, state, now) => {
    const { namespace, name } = splitKey(key);
    const config = state.configs.get(name, namespace);
    // The garbage collector deletes the definition of a SpiderMultusConfig that is gone.
    if (config === undefined || config.metadata.deletionTimestamp !== undefined) return [];
    const existing = state.definitions.get(definitionName(config), namespace);
    const outcome = outcomeOf(config, existing);
    const writes = writesOf(outcome, config, existing);
    // What a write achieved is said when it can be seen.
    return writes.length === 0 ? reportActions(config, outcome, now) : writes;
  },
};

/** The SpiderMultusConfigs that ask for a definition of this name, and those that own it. */
function configsOf({ metadata }: KubeObject, state: NetworkState): SpiderMultusConfig[] {
  const owners = (metadata.ownerReferences ?? []).map(({ uid }) => uid);
  return state.configs
    .by(BY_NAMESPACE, metadata.namespace ?? '')
    .filter(
      (config) => definitionName(config) === metadata.name || owners.includes(config.metadata.uid ?? ''),
    );
}

function outcomeOf(config: SpiderMultusConfig, existing: NetworkAttachmentDefinition | undefined): Outcome {
  const unreadable = unreadableNote(config);
  if (unreadable !== undefined) {
    return { verb: 'invalid', issues: [{ field: 'spec', value: undefined, message: unreadable }] };
  }
  const { definition, issues } = renderDefinition(config);
  return definition === undefined
    ? { verb: 'invalid', issues }
    : definitionChanges(existing, definition, config);
}

function writesOf(
  outcome: Outcome,
  config: SpiderMultusConfig,
  existing: NetworkAttachmentDefinition | undefined,
): Action[] {
  const type = networkAttachmentDefinitions;
  if (outcome.verb === 'create') return [{ verb: 'create', type, object: outcome.definition }];
  if (outcome.verb !== 'patch' || existing === undefined) return [];
  const write = { verb: 'patch', type, object: existing, body: outcome.body } as const;
  if (!outcome.takesOver) return [write];
  const note = {
    type: 'Warning' as const,
    reason: 'TookOver',
    message: shortened(takeOverText(config, existing)),
  };
  return [write, { verb: 'event', type: spiderMultusConfigs, object: config, note }];
}

/** The condition, and an Event when it becomes false for a new reason. */
function reportActions(config: SpiderMultusConfig, outcome: Outcome, now: string): Action[] {
  const type = spiderMultusConfigs;
  const { generation } = config.metadata;
  const observed = generation !== undefined && { observedGeneration: generation };
  const wanted = { ...readyCondition(config, outcome), ...observed };
  const before = config.status?.conditions;
  const conditions = withCondition(before, wanted, now);
  const known = before?.find((condition) => condition.type === wanted.type);
  const { reason, message } = wanted;
  const isNews = known?.reason !== reason || known.message !== message;
  return [
    ...statusActions(type, config, {
      ...observed,
      networkAttachmentDefinition: definitionName(config),
      conditions,
    }),
    ...(wanted.status === 'False' && isNews
      ? [
          {
            verb: 'event' as const,
            type,
            object: config,
            note: { type: 'Warning' as const, reason, message },
          },
        ]
      : []),
  ];
}
