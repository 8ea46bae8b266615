// Who owns what after an ordinary write: a create, an update or a patch that is no apply.

import type { ApiObject } from '../json.ts';
import type { Resource } from '../resource.ts';
import { compare } from './compare.ts';
import { afterUpdate, managedJson, managedOf, ownedPart, type Writer } from './managed-fields.ts';

/** Brings the managedFields of `next` up to date with its difference from `current`; `time` is RFC 3339. */
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
