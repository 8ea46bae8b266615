// Selectors as list and watch queries have them: label selectors (equality, sets, presence, order) and field selectors
// (Kubernetes API concepts, "Efficient detection of changes").

import { OrbError } from '#base';
import type { Labels } from './label-selector.ts';

/** Whether a selector selects these labels. */
type LabelPredicate = (labels: Labels) => boolean;

/** One requirement of a field selector. */
export interface FieldRequirement {
  /** Its path, for example `spec.nodeName`. */
  readonly field: string;
  readonly holds: (object: object) => boolean;
}

/** One requirement of a label selector. */
const REQUIREMENT =
  /^(?:(!)\s*)?([\w./-]+)(?:\s*(=|==|!=)\s*([\w.-]*)|\s+(in|notin)\s*\(([^)]*)\)|\s*([<>])\s*(-?\d+))?$/;

/** @throws OrbError INPUT_INVALID for wrong syntax */
export function readLabelSelector(selector: string): LabelPredicate {
  const requirements = splitOutsideParentheses(selector).map(labelRequirement);
  return (labels) => {
    // It has no prototype. So a label "constructor" exists only when an object has it.
    const own: Labels = Object.assign(Object.create(null), labels);
    return requirements.every((holds) => holds(own));
  };
}

/** @throws OrbError INPUT_INVALID for wrong syntax */
export function readFieldSelector(selector: string): FieldRequirement[] {
  return selector.split(',').map((text) => {
    const found = /^([\w.]+)(==|=|!=)(.*)$/.exec(text.trim());
    if (found === null) throw invalid(`invalid field selector: "${text}"`);
    const [, field = '', operator, value = ''] = found;
    const path = field.split('.');
    return { field, holds: (object) => (fieldText(object, path) === value) === (operator !== '!=') };
  });
}

function labelRequirement(text: string): LabelPredicate {
  const found = REQUIREMENT.exec(text.trim());
  if (found === null) throw invalid(`unable to parse requirement: "${text}" is not a label selector`);
  const [, not, key = '', operator, value = '', setOperator, set = '', comparison, bound] = found;
  if (operator === '=' || operator === '==') return (labels) => labels[key] === value;
  if (operator === '!=') return (labels) => labels[key] !== value;
  const values = new Set(set.split(',').map((item) => item.trim()));
  const isListed = ({ [key]: label }: Labels) => label !== undefined && values.has(label);
  if (setOperator === 'in') return isListed;
  if (setOperator === 'notin') return (labels) => !isListed(labels);
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

/** The value of a field for comparison. An absent field is the empty string. */
function fieldText(object: object, path: readonly string[]): string {
  let at: unknown = object;
  for (const step of path) {
    at = typeof at === 'object' && at !== null ? (at as Readonly<Record<string, unknown>>)[step] : undefined;
  }
  return at === undefined || at === null ? '' : String(at as string | number | boolean);
}

function invalid(message: string): OrbError {
  return new OrbError('INPUT_INVALID', { message, subject: 'selector' });
}
