// Label and field selectors in the API's query syntax, evaluated on an object.

import type { KubeObject } from '#api';
import { OrbError } from '#base';
import type { Selection } from './client.ts';

/** Whether a list or a watch of `selection` covers the object. */
export function selects(selection: Selection, object: KubeObject): boolean {
  const { namespace, labelSelector = '', fieldSelector = '' } = selection;
  return (
    (namespace === undefined || object.metadata.namespace === namespace) &&
    requirements(labelSelector).every((one) => labelHolds(one, object.metadata.labels ?? {})) &&
    requirements(fieldSelector).every((one) => fieldHolds(one, object))
  );
}

/** Splits at the commas outside of parentheses. */
function requirements(selector: string): string[] {
  return selector.split(/,(?![^(]*\))/).flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
}

function labelHolds(requirement: string, labels: Readonly<Record<string, string>>): boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(requirement);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    const label = labels[key];
    const within = label !== undefined && values.includes(label);
    return operator === 'in' ? within : !within;
  }
  const equality = /^([^!=\s]+)\s*(==?|!=)\s*(\S*)$/.exec(requirement);
  if (equality !== null) {
    const [, key = '', operator, value = ''] = equality;
    return (labels[key] === value) === (operator !== '!=');
  }
  const existence = /^(!?)([^!=\s]+)$/.exec(requirement);
  if (existence === null) throw malformed('label', requirement);
  const [, not, key = ''] = existence;
  return (labels[key] !== undefined) === (not === '');
}

function fieldHolds(requirement: string, object: KubeObject): boolean {
  const match = /^([\w.]+)(==?|!=)(.*)$/.exec(requirement);
  if (match === null) throw malformed('field', requirement);
  const [, path = '', operator, value] = match;
  let field: unknown = object;
  for (const step of path.split('.')) field = (field as Record<string, unknown> | undefined)?.[step];
  const text = ['string', 'number', 'boolean'].includes(typeof field)
    ? `${field as string | number | boolean}`
    : '';
  return (text === value) === (operator !== '!=');
}

function malformed(kind: string, requirement: string): OrbError {
  return new OrbError('KUBE_INVALID', { message: `${kind} selector: cannot read "${requirement}"` });
}
