import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiObject, type Json, type JsonObject, listAt, stringAt } from '../json.ts';
import { TypeTable } from '../schema/type-text.ts';
import { StatusError } from '../status.ts';
import { serverSideApply } from './server-side-apply.ts';
import { trackUpdate } from './update-tracking.ts';

const schema = new TypeTable(`
Thing A kind with a list of each sort.
  apiVersion string
  kind string
  metadata object
  spec Spec

Spec What is applied.
  size int
  labels {string}
  items [Item] by name,protocol
  tags [string] set
  args [string]

Item An item with two keys, one by default.
  name string
  protocol string = TCP
  value string
`).get('Thing');

function apply(live: ApiObject | undefined, manager: string, spec: JsonObject, force = false): ApiObject {
  const applied: ApiObject = { apiVersion: 'v1', kind: 'Thing', metadata: { name: 't' }, spec };
  const writer = { manager, operation: 'Apply' as const, apiVersion: 'v1', subresource: '' };
  return serverSideApply(live, applied, {
    schema,
    hasStatus: false,
    writer,
    force,
    time: `time of ${manager}`,
  });
}

function owners(object: ApiObject): Record<string, Json> {
  const entries = listAt(object, 'metadata', 'managedFields') as JsonObject[];
  return Object.fromEntries(
    entries.map((it) => [it.manager as string, (it.fieldsV1 as JsonObject)['f:spec'] ?? null]),
  );
}

test('a manager owns the fields that it applies: list items by key, set members by value, atomic lists whole', () => {
  const made = apply(undefined, 'one', {
    labels: { a: '1' },
    items: [{ name: 'x' }],
    tags: ['t'],
    args: ['b'],
  });
  assert.deepEqual(owners(made), {
    one: {
      'f:labels': { 'f:a': {} },
      'f:items': { 'k:{"name":"x","protocol":"TCP"}': { '.': {}, 'f:name': {} } },
      'f:tags': { 'v:"t"': {} },
      'f:args': {},
    },
  });
});

test('a different value conflicts with each owner by name and path; an equal value is shared', () => {
  const made = apply(apply(undefined, 'one', { size: 1, labels: { a: '1' } }), 'two', { size: 1 });
  assert.throws(
    () => apply(made, 'three', { size: 2, labels: { a: '2' } }),
    (error) => {
      assert.ok(error instanceof StatusError);
      assert.equal(error.code, 409);
      const causes = listAt(error.details, 'causes');
      assert.deepEqual(causes.map((it) => `${stringAt(it, 'message')} ${stringAt(it, 'field')}`).sort(), [
        'conflict with "one" using v1 .spec.labels.a',
        'conflict with "one" using v1 .spec.size',
        'conflict with "two" using v1 .spec.size',
      ]);
      return true;
    },
  );
});

test("force takes a field over, and afterwards the former owner's apply does not touch it", () => {
  const taken = apply(apply(undefined, 'one', { size: 1 }), 'two', { size: 2 }, true);
  assert.deepEqual(owners(taken), { two: { 'f:size': {} } });
  assert.deepEqual(apply(taken, 'one', {}).spec, { size: 2 });
});

test('a field that its only owner no longer applies is removed; a field with another owner stays', () => {
  const both = apply(apply(undefined, 'one', { labels: { a: '1', b: '1' } }), 'two', { labels: { b: '1' } });
  assert.deepEqual(apply(both, 'one', { size: 1 }).spec, { size: 1, labels: { b: '1' } });
});

test('list items are merged and removed by key, set members by value', () => {
  const one = apply(undefined, 'one', {
    items: [{ name: 'x', value: '1' }, { name: 'y' }],
    tags: ['a', 'b'],
  });
  const two = apply(one, 'two', { items: [{ name: 'z' }, { name: 'x', protocol: 'UDP' }], tags: ['c'] });
  const left = apply(two, 'one', { items: [{ name: 'y', value: '2' }], tags: ['b'] });
  assert.deepEqual(left.spec, {
    items: [{ name: 'y', value: '2' }, { name: 'z' }, { name: 'x', protocol: 'UDP' }],
    tags: ['b', 'c'],
  });
});

test('an apply without a change keeps the time of the last one', () => {
  const made = apply(undefined, 'one', { size: 1 });
  made.metadata.managedFields = (listAt(made, 'metadata', 'managedFields') as JsonObject[]).map((entry) => {
    return { ...entry, time: 'before' };
  });
  const again = apply(made, 'one', { size: 1 });
  assert.deepEqual(again, made);
});

test('an update takes ownership of the fields that it changes, and conflicts with the next apply', () => {
  const made = apply(undefined, 'one', { size: 1, labels: { a: '1' } });
  const next: ApiObject = { ...structuredClone(made), spec: { size: 2, labels: { a: '1' } } };
  const writer = { manager: 'editor', operation: 'Update' as const, apiVersion: 'v1', subresource: '' };
  trackUpdate({ schema, statusSubresource: false } as never, next, made, writer, 'now');
  assert.deepEqual(owners(next), { one: { 'f:labels': { 'f:a': {} } }, editor: { 'f:size': {} } });
  assert.throws(() => apply(next, 'one', { size: 1, labels: { a: '1' } }), /conflict with "editor"/);
});
