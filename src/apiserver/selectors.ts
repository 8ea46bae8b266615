// Label selectors (equality and set based) and field selectors, in the form of list and watch queries.

import { isObject, type JsonObject } from './json.ts';
import { badRequest } from './status.ts';

/** Whether an object is selected. */
export type Predicate = (object: JsonObject) => boolean;

/** One requirement of a label selector. */
const requirement =
  /^(?:(!)\s*)?([\w./-]+)(?:\s*(=|==|!=)\s*([\w.-]*)|\s+(in|notin)\s*\(([^)]*)\)|\s*([<>])\s*(-?\d+))?$/;

/** Reads a label selector; throws 400 when its syntax is wrong. */
export function labelPredicate(selector: string): Predicate {
  const requirements = splitOutsideParentheses(selector).map(labelRequirement);
  return (object) => {
    const labels = isObject(object.metadata) ? object.metadata.labels : undefined;
    // It has no prototype. So a label "constructor" exists only when an object has it.
    const own: JsonObject = Object.assign(Object.create(null), isObject(labels) ? labels : {});
    return requirements.every((holds) => holds(own));
  };
}

function labelRequirement(text: string): Predicate {
  const found = requirement.exec(text.trim());
  if (found === null) throw badRequest(`unable to parse requirement: "${text}" is not a label selector`);
  const [, not, key = '', operator, value = '', setOperator, set = '', comparison, bound] = found;
  if (operator === '=' || operator === '==') return (labels) => labels[key] === value;
  if (operator === '!=') return (labels) => labels[key] !== value;
  const values = new Set(set.split(',').map((item) => item.trim()));
  if (setOperator === 'in') return (labels) => typeof labels[key] === 'string' && values.has(labels[key]);
  if (setOperator === 'notin')
    return (labels) => !(typeof labels[key] === 'string' && values.has(labels[key]));
  if (comparison !== undefined) {
    const limit = Number(bound);
    return (labels) =>
      labels[key] !== undefined &&
      (comparison === '<' ? Number(labels[key]) < limit : Number(labels[key]) > limit);
  }
  return not === undefined ? (labels) => labels[key] !== undefined : (labels) => labels[key] === undefined;
}

function splitOutsideParentheses(selector: string): string[] {
  const parts: string[] = [];
  let inside = false;
  let from = 0;
  for (let at = 0; at < selector.length; at++) {
    const character = selector[at];
    if (character === '(') inside = true;
    else if (character === ')') inside = false;
    else if (character === ',' && !inside) {
      parts.push(selector.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, selector.slice(from)];
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

/** Reads a field selector; throws 400 for a field that the kind does not support. */
export function fieldPredicate(selector: string, kind: string, extra: readonly string[] = []): Predicate {
  const allowed = new Set(['metadata.name', 'metadata.namespace', ...(selectable[kind] ?? []), ...extra]);
  const requirements = selector.split(',').map((text) => {
    const found = /^([\w.]+)(==|=|!=)(.*)$/.exec(text.trim());
    if (found === null) throw badRequest(`invalid field selector: "${text}"`);
    const [, field = '', operator, value = ''] = found;
    if (!allowed.has(field)) throw badRequest(`field label not supported: ${field}`);
    const path = field.split('.');
    return (object: JsonObject) => (fieldText(object, path) === value) === (operator !== '!=');
  });
  return (object) => requirements.every((holds) => holds(object));
}

/** The value of a field for comparison. An absent field is the empty string. */
function fieldText(object: JsonObject, path: readonly string[]): string {
  let at: unknown = object;
  for (const step of path) at = isObject(at) ? at[step] : undefined;
  return at === undefined || at === null ? '' : String(at as string | number | boolean);
}
