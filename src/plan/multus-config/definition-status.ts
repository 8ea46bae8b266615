// The status of a SpiderMultusConfig: what became of its definition.

import { type NetworkAttachmentDefinition, resources, type SpiderMultusConfig } from '#api';
import type { AdmissionIssue } from '#plan/ipam';
import type { DefinitionChange } from './definition-changes.ts';
import { definitionName } from './names.ts';
import { isConfig } from './ownership.ts';
import { unknownFields, unknownFieldsText } from './unknown-fields.ts';

/** The condition without the time of its last transition, which the controller keeps. */
export interface ReadyCondition {
  readonly type: 'Ready';
  readonly status: 'True' | 'False';
  readonly reason: 'Rendered' | 'Invalid' | 'OwnedByAnother' | 'Terminating';
  readonly message: string;
}

/** What happened to a definition: the step that was taken, or why it could not be rendered. */
export type Outcome =
  | DefinitionChange
  | { readonly verb: 'invalid'; readonly issues: readonly AdmissionIssue[] };

/** The condition after `outcome`. A step that writes counts as done: a write that fails is tried again. */
export function readyCondition(config: SpiderMultusConfig, outcome: Outcome): ReadyCondition {
  const unknown = unknownFieldsText(unknownFields(resources.spiderMultusConfigs, config.spec));
  const condition = conditionOf(config, outcome);
  return {
    ...condition,
    message: [condition.message, ...(unknown === undefined ? [] : [unknown])].join('; '),
  };
}

/** What the Event of a definition without owner says that now belongs to `config`: its configuration is shown once more. */
export function takeOverText(config: SpiderMultusConfig, existing: NetworkAttachmentDefinition): string {
  const definition = `the ${placeOf(config)} had no owner, and is kept as this object says from now on`;
  const before = existing.spec?.config;
  return before ? `${definition}; its configuration was ${before}` : definition;
}

function placeOf(config: SpiderMultusConfig): string {
  return `net-attach-def ${config.metadata.namespace}/${definitionName(config)}`;
}

function conditionOf(config: SpiderMultusConfig, outcome: Outcome): ReadyCondition {
  const definition = placeOf(config);
  if (outcome.verb === 'invalid') {
    return failed('Invalid', outcome.issues.map(({ field, message }) => `${field}: ${message}`).join('; '));
  }
  if (outcome.verb === 'refuse') {
    const { kind, name } = outcome.owner;
    const place = isConfig(outcome.owner) ? `${config.metadata.namespace}/${name}` : name;
    return failed('OwnedByAnother', `the ${definition} already exists and is managed by ${kind} ${place}`);
  }
  if (outcome.verb === 'wait') {
    return failed('Terminating', `the old ${definition} is terminating; it is made again when it is gone`);
  }
  const message = `the ${definition} is as this object says`;
  return { type: 'Ready', status: 'True', reason: 'Rendered', message };
}

function failed(reason: ReadyCondition['reason'], message: string): ReadyCondition {
  return { type: 'Ready', status: 'False', reason, message };
}
