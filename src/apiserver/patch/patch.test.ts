import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '../status.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';

test('a JSON patch does not change its target and returns a new value', () => {
  const target = { a: { b: [1, 2] } };
  const patched = jsonPatch(target, [
    { op: 'test', path: '/a/b/0', value: 1 },
    { op: 'add', path: '/a/b/-', value: 3 },
    { op: 'move', from: '/a/b/0', path: '/first' },
    { op: 'add', path: '/a/x~1y~0z', value: 'escaped' },
  ]);
  assert.deepEqual(patched, { a: { b: [2, 3], 'x/y~z': 'escaped' }, first: 1 });
  assert.deepEqual(target, { a: { b: [1, 2] } });
});

test('an operation that does not apply is a 422, and a body that is not a list of operations is a 400', () => {
  const code = (wanted: number) => (error: unknown) => error instanceof StatusError && error.code === wanted;
  assert.throws(() => jsonPatch({ a: 1 }, [{ op: 'test', path: '/a', value: 2 }]), code(422));
  assert.throws(() => jsonPatch({ a: 1 }, [{ op: 'remove', path: '/b' }]), code(422));
  assert.throws(() => jsonPatch({ a: 1 }, [{ op: 'jump', path: '/a' }]), code(422));
  assert.throws(() => jsonPatch({ a: 1 }, { op: 'remove', path: '/a' }), code(400));
});

test('a test for null passes where an object does not have the field, as on kube-apiserver', () => {
  const absent = { op: 'test', path: '/a/x~1y', value: null };
  assert.deepEqual(jsonPatch({ a: {} }, [absent, { op: 'add', path: '/a/x~1y', value: 1 }]), {
    a: { 'x/y': 1 },
  });
  const refused = (target: object, operation: object) =>
    assert.throws(() => jsonPatch(target as never, [operation] as never), { code: 422 });
  refused({ a: { 'x/y': 1 } }, absent);
  refused({}, absent);
  refused({ a: {} }, { ...absent, value: 1 });
  refused({ a: [] }, { ...absent, path: '/a/0' });
});

// RFC 7386, appendix A.
const cases: readonly [original: unknown, patch: unknown, result: unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test('a merge patch gives the results of the examples in RFC 7396', () => {
  for (const [original, patch, result] of cases)
    assert.deepEqual(mergePatch(original as never, patch as never), result, JSON.stringify(patch));
});
