// Server-side apply: merges a configuration into the live object, and records which manager owns which field.

import type { ApiObject, JsonObject } from '../json.ts';
import type { Schema } from '../schema/index.ts';
import { StatusError } from '../status.ts';
import { compare } from './compare.ts';
import { FieldSet, fieldSetOf } from './field-set.ts';
import { unchangedSinceApplied, withLastApplied } from './last-applied.ts';
import {
  type Managed,
  managedJson,
  managedOf,
  ownedPart,
  sameWriter,
  shrunk,
  type Writer,
} from './managed-fields.ts';
import { dropPaths, mergeApplied } from './merge.ts';

/** One apply. */
export interface ApplyRequest {
  readonly schema: Schema;
  readonly hasStatus: boolean;
  readonly writer: Writer;
  /** Takes over fields of other managers instead of a 409. */
  readonly force: boolean;
  /** RFC 3339. */
  readonly time: string;
}

/** The new object with its managedFields. When `live` is undefined, the apply creates the object. */
export function serverSideApply(
  live: ApiObject | undefined,
  applied: ApiObject,
  request: ApplyRequest,
): ApiObject {
  const { schema, writer } = request;
  const part = ownedPart(applied, writer.subresource, request.hasStatus);
  const entries = live === undefined ? [] : managedOf(live);
  const mine = entries.find((entry) => sameWriter(entry.writer, writer));
  const others = entries.filter((entry) => entry !== mine);
  const fields = fieldSetOf(schema, part);
  const base: JsonObject = live ?? {
    apiVersion: applied.apiVersion,
    kind: applied.kind,
    metadata: nameOnly(applied),
  };
  const merged = mergeApplied(schema, base, part) as ApiObject;
  const { changed } = compare(schema, live ?? {}, merged);
  if (!request.force && live !== undefined)
    refuseConflicts(others, changed.without(unchangedSinceApplied(schema, live, writer)));
  const left = others.map((entry) => shrunk(entry, entry.fields.without(changed)));
  const gone = (mine?.fields ?? new FieldSet()).without(fields);
  const kept = new FieldSet();
  kept.addAll(fields);
  for (const entry of left) kept.addAll(entry.fields);
  const dropped = gone.isEmpty ? merged : (dropPaths(schema, merged, gone, kept) as ApiObject);
  const result = withLastApplied(dropped, applied, writer);
  const unchanged =
    mine !== undefined && gone.isEmpty && fields.without(mine.fields).isEmpty && changed.isEmpty;
  const entry: Managed = { writer, fields, time: unchanged ? mine.time : request.time };
  return { ...result, metadata: { ...result.metadata, managedFields: managedJson([...left, entry]) } };
}

function nameOnly(applied: ApiObject): ApiObject['metadata'] {
  const { name, namespace } = applied.metadata;
  return namespace === undefined ? { name } : { name, namespace };
}

function refuseConflicts(others: readonly Managed[], changed: FieldSet): void {
  const conflicts = others.flatMap((entry) => {
    return entry.fields
      .within(changed)
      .paths()
      .map((path) => ({ writer: entry.writer, path }));
  });
  if (conflicts.length === 0) return;
  const texts = conflicts.map(({ writer, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${writer.manager}"${writer.subresource === '' ? '' : ` with subresource "${writer.subresource}"`} using ${writer.apiVersion}`,
    field: path,
  }));
  const count = `${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'}`;
  const list = texts.map((text) => `${text.message}: ${text.field}`);
  const message = `Apply failed with ${count}: ${list.length === 1 ? list[0] : `conflicts:\n- ${list.join('\n- ')}`}`;
  throw new StatusError(409, 'Conflict', message, { causes: texts });
}
