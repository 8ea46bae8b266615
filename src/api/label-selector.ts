// Whether a selector of an object selects labels (Kubernetes API concepts, "Set-based requirement").

import { OrbError } from '#base';
import type { Pod, Service } from './core/index.ts';
import type { LabelSelector } from './metadata.ts';

export type Labels = Readonly<Record<string, string>>;

/** An empty selector matches everything. An invalid requirement is an error, as in Kubernetes. */
export function selectorMatches(selector: LabelSelector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => requirementHolds(requirement, labels))
  );
}

/** Whether the Service's selector selects the pod. A Service without selector selects none. */
export function serviceSelects({ spec }: Service, { metadata }: Pod): boolean {
  const matchLabels = spec?.selector ?? {};
  return Object.keys(matchLabels).length > 0 && selectorMatches({ matchLabels }, metadata.labels ?? {});
}

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

function requirementHolds({ key, operator, values = [] }: Requirement, labels: Labels): boolean {
  const listNeeded = operator === 'In' || operator === 'NotIn';
  if (listNeeded !== values.length > 0) {
    const allowed = listNeeded ? 'at least one value' : 'no values';
    throw new OrbError('INPUT_INVALID', { message: `label selector: ${key} ${operator}: needs ${allowed}` });
  }
  const value = labels[key];
  const isListed = value !== undefined && values.includes(value);
  switch (operator) {
    case 'In':
      return isListed;
    case 'NotIn':
      return !isListed;
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
