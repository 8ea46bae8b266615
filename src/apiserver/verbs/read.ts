// The reading verbs: get and list, with paging over a snapshot.

import type { ApiObject, JsonObject } from '../json.ts';
import { apiVersion, type Resource, storageName } from '../resource.ts';
import { fieldPredicate, labelPredicate, type Predicate } from '../selectors.ts';
import { badRequest, expired, StatusError } from '../status.ts';
import type { Entry, Store } from '../store/index.ts';

/** The scope of a list or a watch. */
export interface Scope {
  readonly resource: Resource;
  /** Empty for all namespaces. */
  readonly namespace: string;
  /** Undefined when the scope is everything in the namespace. */
  readonly predicate: Predicate | undefined;
}

/** Reads the selectors of a query. */
export function scopeOf(resource: Resource, namespace: string, name: string, query: URLSearchParams): Scope {
  const labels = query.get('labelSelector');
  const fields = query.get('fieldSelector');
  const predicates: Predicate[] = [];
  if (labels) predicates.push(labelPredicate(labels));
  if (fields)
    predicates.push(
      fieldPredicate(fields, resource.custom ? '' : resource.kind, resource.selectableFields ?? []),
    );
  if (name !== '') predicates.push((object) => (object as ApiObject).metadata.name === name);
  const predicate =
    predicates.length === 0 ? undefined : (object: JsonObject) => predicates.every((fits) => fits(object));
  return { resource, namespace, predicate };
}

export function inScope(scope: Scope, entry: Entry): boolean {
  if (scope.namespace !== '' && entry.key.namespace !== scope.namespace) return false;
  return scope.predicate === undefined || scope.predicate(entry.object);
}

/** The stored bytes, or new bytes when the request is for another version. */
export function bytesFor(resource: Resource, entry: Entry): Buffer {
  const wanted = apiVersion(resource);
  if (entry.object.apiVersion === wanted) return entry.bytes;
  return Buffer.from(JSON.stringify({ ...entry.object, apiVersion: wanted }));
}

/** A page of a list. */
export interface Page {
  readonly entries: readonly Entry[];
  readonly metadata: JsonObject;
}

/** The start of the next page: the revision of the snapshot, and the last key that was sent. */
interface Continue {
  readonly revision: number;
  readonly after: string;
}

/** Lists objects. All pages of a list show the same snapshot. */
export function listPage(store: Store, scope: Scope, query: URLSearchParams): Page {
  const limit = Number(query.get('limit') ?? 0);
  const token = query.get('continue');
  const from = token ? readContinue(token) : undefined;
  const revision = from?.revision ?? exactRevision(store, query) ?? store.revision;
  const snapshot = store.listAt(storageName(scope.resource), revision);
  if (snapshot === undefined) {
    throw expired(
      'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
    );
  }
  const selected = snapshot.filter(
    (entry) => inScope(scope, entry) && (from === undefined || orderKey(entry) > from.after),
  );
  const metadata: JsonObject = { resourceVersion: String(revision) };
  const entries = limit > 0 ? selected.slice(0, limit) : selected;
  const last = entries.at(-1);
  if (last !== undefined && entries.length < selected.length) {
    const next: Continue = { revision, after: orderKey(last) };
    metadata.continue = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...next })).toString('base64url');
    // Upstream cannot count the remaining objects of a selection, and leaves the number out.
    if (scope.predicate === undefined) metadata.remainingItemCount = selected.length - entries.length;
  }
  return { entries, metadata };
}

/** NUL sorts before every character of a name, so that the keys of namespaces do not mix. */
function orderKey(entry: Entry): string {
  return `${entry.key.namespace}\0${entry.key.name}`;
}

function readContinue(token: string): Continue {
  try {
    const read = JSON.parse(Buffer.from(token, 'base64url').toString()) as Continue;
    if (Number.isInteger(read.revision) && typeof read.after === 'string') return read;
  } catch {
    // This server did not make the token: it is refused below.
  }
  throw badRequest('continue key is not valid');
}

/** The revision that a list must show, or undefined for the newest. */
function exactRevision(store: Store, query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion');
  if (!text || text === '0') return undefined;
  const asked = readRevision(text);
  if (asked > store.revision) {
    throw new StatusError(504, 'Timeout', `Too large resource version: ${asked}, current: ${store.revision}`);
  }
  return query.get('resourceVersionMatch') === 'Exact' ? asked : undefined;
}

export function readRevision(text: string): number {
  const revision = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(revision))
    throw badRequest(`Invalid value: "${text}": resourceVersion must be a number`);
  return revision;
}

/** The bytes of a list object, built from the stored bytes of its items. */
export function listBytes(resource: Resource, page: Page): Buffer {
  const head = { kind: resource.listKind, apiVersion: apiVersion(resource), metadata: page.metadata };
  const parts: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  page.entries.forEach((entry, index) => {
    if (index > 0) parts.push(comma);
    parts.push(bytesFor(resource, entry));
  });
  parts.push(tail);
  return Buffer.concat(parts);
}

const comma = Buffer.from(',');
const tail = Buffer.from(']}\n');
