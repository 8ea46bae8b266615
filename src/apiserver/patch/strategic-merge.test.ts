import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../json.ts';
import { TypeTable } from '../schema/type-text.ts';
import { StatusError } from '../status.ts';
import { strategicMerge } from './strategic-merge.ts';

const schema = new TypeTable(`
Spec A list of each sort.
  containers [Item] by name
  finalizers [string] set
  args [string]
  volume Volume

Item An item with a key.
  name string
  image string
  env [Variable] by name

Variable An item inside an item.
  name string

Volume One of several sources.
  name string
  a object
  b object
`).get('Spec');
const merge = (target: JsonObject, patch: JsonObject) => strategicMerge(target, patch, schema);
const two = {
  containers: [
    { name: 'a', image: '1', env: [{ name: 'x' }] },
    { name: 'b', image: '1' },
  ],
};

test('list items with a key are merged by it at every depth, and new items are appended', () => {
  const patch = { containers: [{ name: 'c' }, { name: 'a', image: '2', env: [{ name: 'y' }] }] };
  assert.deepEqual(merge(two, patch), {
    containers: [
      { name: 'a', image: '2', env: [{ name: 'x' }, { name: 'y' }] },
      { name: 'b', image: '1' },
      { name: 'c' },
    ],
  });
});

test('$patch: delete removes one item, and $patch: replace replaces the whole list or object', () => {
  assert.deepEqual(merge(two, { containers: [{ name: 'a', $patch: 'delete' }] }), {
    containers: [{ name: 'b', image: '1' }],
  });
  assert.deepEqual(merge(two, { containers: [{ $patch: 'replace' }, { name: 'z' }] }), {
    containers: [{ name: 'z' }],
  });
  const volume = { volume: { name: 'v', a: { k: 1 } } };
  assert.deepEqual(merge(volume, { volume: { $patch: 'replace', b: {} } }), { volume: { b: {} } });
  assert.deepEqual(merge(volume, { volume: { $patch: 'delete' } }), { volume: {} });
});

test('$retainKeys drops the fields that it does not name', () => {
  const patch = { volume: { $retainKeys: ['name', 'b'], b: { k: 2 } } };
  assert.deepEqual(merge({ volume: { name: 'v', a: { k: 1 } } }, patch), {
    volume: { name: 'v', b: { k: 2 } },
  });
});

test('sets are united, $deleteFromPrimitiveList removes members, and a list without strategy is replaced', () => {
  assert.deepEqual(merge({ finalizers: ['a', 'b'] }, { finalizers: ['b', 'c'] }), {
    finalizers: ['a', 'b', 'c'],
  });
  assert.deepEqual(merge({ finalizers: ['a', 'b'] }, { '$deleteFromPrimitiveList/finalizers': ['a'] }), {
    finalizers: ['b'],
  });
  assert.deepEqual(merge({ args: ['a', 'b'] }, { args: ['c'] }), { args: ['c'] });
});

test('$setElementOrder sorts the items; unnamed items stay behind their neighbours', () => {
  const list = { containers: [{ name: 'a' }, { name: 'own' }, { name: 'b' }] };
  const patch = {
    '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }],
    containers: [{ name: 'c' }],
  };
  const { containers } = merge(list, patch);
  assert.deepEqual(
    (containers as JsonObject[]).map(({ name }) => name),
    ['b', 'c', 'a', 'own'],
  );
  assert.deepEqual(
    merge(list, { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] }).containers,
    [{ name: 'b' }, { name: 'a' }, { name: 'own' }],
  );
});

test('null removes a field, and an item without its key is refused', () => {
  assert.deepEqual(merge({ args: ['a'], volume: { name: 'v' } }, { args: null, volume: { name: null } }), {
    volume: {},
  });
  assert.throws(
    () => merge(two, { containers: [{ image: '2' }] }),
    (error) =>
      error instanceof StatusError && error.code === 400 && error.message.includes('merge key: name'),
  );
});

test('the target is not changed', () => {
  const before = structuredClone(two);
  merge(two, { containers: [{ name: 'a', image: '9', env: [{ name: 'x', $patch: 'delete' }] }] });
  assert.deepEqual(two, before);
});
