// What a list or a watch of the fake covers.

import { type KubeObject, readFieldSelector, readLabelSelector } from '#api';
import type { Selection } from '../client.ts';

/** Whether a list or a watch of `selection` covers the object. */
export function selects(selection: Selection, object: KubeObject): boolean {
  const { namespace, labelSelector, fieldSelector } = selection;
  const { metadata } = object;
  return (
    (namespace === undefined || metadata.namespace === namespace) &&
    (!labelSelector || readLabelSelector(labelSelector)(metadata.labels ?? {})) &&
    (!fieldSelector || readFieldSelector(fieldSelector).every(({ holds }) => holds(object)))
  );
}
