// Records the owners of fields after a write that is not an apply: a create, an update or another patch.

import type { ApiObject } from '../json.ts';
import type { Resource } from '../resource.ts';
import { compare } from './compare.ts';
import { afterUpdate, managedJson, managedOf, ownedPart, type Writer } from './managed-fields.ts';

/** Updates the managedFields of `next` by its difference from `current`; `time` is RFC 3339. */
export function trackUpdate(
  resource: Resource,
  next: ApiObject,
  current: ApiObject | undefined,
  writer: Writer,
  time: string,
): void {
  const part = (object: ApiObject) => ownedPart(object, writer.subresource, resource.statusSubresource);
  const before = current === undefined ? {} : part(current);
  const difference = compare(resource.schema, before, part(next));
  const entries = afterUpdate(managedOf(next), writer, difference, time);
  const json = managedJson(entries);
  if (json.length > 0) next.metadata.managedFields = json;
}
