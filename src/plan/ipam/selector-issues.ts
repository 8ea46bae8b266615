// Admission's checks of the label selectors of a pool: the rules of kube-apiserver (apimachinery ValidateLabelSelector), as
// its schema checks no keys and values. A wrong key or value would select nothing, and nobody would be told.

import {
  isLabelKey,
  isLabelValue,
  LABEL_KEY_RULE,
  LABEL_VALUE_RULE,
  type LabelSelector,
  type SpiderIPPool,
} from '#api';
import type { AdmissionIssue } from './validate-network.ts';

type Spec = NonNullable<SpiderIPPool['spec']>;
type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

const selectorFields = ['podAffinity', 'namespaceAffinity', 'nodeAffinity'] as const;

/** What is wrong with the selectors. One that is already stored like this may be written again. */
export function selectorIssues(spec: Spec, old: Spec | undefined): AdmissionIssue[] {
  return selectorFields.flatMap((name) => {
    const selector = spec[name];
    if (selector === undefined || JSON.stringify(selector) === JSON.stringify(old?.[name])) return [];
    return issuesOf(selector, `spec.${name}`);
  });
}

function issuesOf(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  field: string,
): AdmissionIssue[] {
  return [
    ...Object.entries(matchLabels).flatMap(([key, value]) => [
      ...keyIssues(key, `${field}.matchLabels`),
      ...valueIssues(value, `${field}.matchLabels[${key}]`),
    ]),
    ...matchExpressions.flatMap((requirement, index) =>
      requirementIssues(requirement, `${field}.matchExpressions[${index}]`),
    ),
  ];
}

function requirementIssues({ key, operator, values = [] }: Requirement, field: string): AdmissionIssue[] {
  const issues = keyIssues(key, `${field}.key`);
  const isList = operator === 'In' || operator === 'NotIn';
  if (isList && values.length === 0) {
    const message = "must be specified when `operator` is 'In' or 'NotIn'";
    issues.push({ field: `${field}.values`, value: values, message });
  }
  if (!isList && values.length > 0) {
    const message = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
    issues.push({ field: `${field}.values`, value: values, message, forbidden: true });
  }
  return [...issues, ...values.flatMap((value, index) => valueIssues(value, `${field}.values[${index}]`))];
}

function keyIssues(key: string, field: string): AdmissionIssue[] {
  return isLabelKey(key) ? [] : [{ field, value: key, message: LABEL_KEY_RULE }];
}

function valueIssues(value: string, field: string): AdmissionIssue[] {
  return isLabelValue(value) ? [] : [{ field, value, message: LABEL_VALUE_RULE }];
}
