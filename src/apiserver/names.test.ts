import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateMetadata } from './names.ts';

const fieldsOf = (metadata: object) =>
  validateMetadata({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', ...metadata } }).map(
    ({ field }) => field,
  );

/** A DNS subdomain of labels with at most 63 characters. */
const subdomain = (length: number) => Array.from({ length }, (_, i) => (i % 64 === 63 ? '.' : 'a')).join('');

test('the prefix of a label key or an annotation key has at most 253 characters, its name at most 63', () => {
  const key = (prefix: number, name: number) => `${subdomain(prefix)}/${'n'.repeat(name)}`;
  for (const where of ['labels', 'annotations']) {
    const field = `metadata.${where}`;
    assert.deepEqual(fieldsOf({ [where]: { [key(253, 63)]: 'v' } }), []);
    assert.deepEqual(fieldsOf({ [where]: { [key(254, 63)]: 'v' } }), [field]);
    assert.deepEqual(fieldsOf({ [where]: { [key(253, 64)]: 'v' } }), [field]);
    assert.deepEqual(fieldsOf({ [where]: { 'a/b/c': 'v' } }), [field]);
    assert.deepEqual(fieldsOf({ [where]: { '/name': 'v' } }), [field]);
  }
});

test('a name of an object has at most 253 characters, the value of a label at most 63', () => {
  assert.deepEqual(fieldsOf({ name: subdomain(253) }), []);
  assert.deepEqual(fieldsOf({ name: subdomain(254) }), ['metadata.name']);
  assert.deepEqual(fieldsOf({ labels: { a: 'v'.repeat(63) } }), []);
  assert.deepEqual(fieldsOf({ labels: { a: 'v'.repeat(64) } }), ['metadata.labels']);
});
