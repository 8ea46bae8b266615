// Selectors on stored objects: of list and watch queries, with the fields that each kind offers, and of budgets and
// webhooks.

import { type LabelSelector, readFieldSelector, readLabelSelector, selectorMatches } from '#api';
import { isOrbError } from '#base';
import { type Json, type JsonObject, objectAt } from './json.ts';
import { badRequest } from './status.ts';

/** Whether an object is selected. */
export type Predicate = (object: JsonObject) => boolean;

/** Reads a label selector; throws 400 when its syntax is wrong. */
export function labelPredicate(selector: string): Predicate {
  const selects = orBadRequest(() => readLabelSelector(selector));
  return (object) => selects(objectAt(object, 'metadata', 'labels') as Record<string, string>);
}

/** Fields of built-in kinds that field selectors may name, besides metadata.name and metadata.namespace. */
const selectable: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  Node: ['spec.unschedulable'],
  Namespace: ['status.phase'],
  Secret: ['type'],
  Service: ['spec.clusterIP', 'spec.type'],
  ReplicaSet: ['status.replicas'],
};

/** Reads a field selector; throws 400 for wrong syntax, and for a field that the kind does not support. */
export function fieldPredicate(selector: string, kind: string, extra: readonly string[] = []): Predicate {
  const allowed = new Set(['metadata.name', 'metadata.namespace', ...(selectable[kind] ?? []), ...extra]);
  const requirements = orBadRequest(() => readFieldSelector(selector));
  for (const { field } of requirements)
    if (!allowed.has(field)) throw badRequest(`field label not supported: ${field}`);
  return (object) => requirements.every(({ holds }) => holds(object));
}

/** Whether labels satisfy a metav1.LabelSelector; without a selector nothing does. */
export function isSelected(selector: Json | undefined, labelled: JsonObject): boolean {
  if (selector === undefined || selector === null) return false;
  return selectorMatches(
    selector as LabelSelector,
    objectAt(labelled, 'metadata', 'labels') as Record<string, string>,
  );
}

function orBadRequest<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw isOrbError(error, 'INPUT_INVALID') ? badRequest(error.message) : error;
  }
}
