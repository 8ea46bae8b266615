// Label selectors inside objects: of budgets and webhooks.

import { type LabelSelector, selectorMatches } from '#api';
import { type Json, type JsonObject, objectAt } from '../json.ts';

/** Whether labels satisfy a metav1.LabelSelector; without a selector nothing does. */
export function isSelected(selector: Json | undefined, labelled: JsonObject): boolean {
  if (selector === undefined || selector === null) return false;
  return selectorMatches(
    selector as LabelSelector,
    objectAt(labelled, 'metadata', 'labels') as Record<string, string>,
  );
}
