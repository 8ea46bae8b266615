import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '../json.ts';
import type { Entry, EventType, StoreEvent } from '../store/entry.ts';
import { Dependents } from './dependents.ts';
import { Population } from './population.ts';

let revision = 0;
function event(type: EventType, name: string, owner?: string, previous?: Entry): StoreEvent {
  const ownerReferences = owner === undefined ? [] : [{ uid: owner }];
  const object: ApiObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name, uid: name, ownerReferences } };
  const key = { resource: 'pods.', namespace: 'ns', name };
  return { type, entry: { key, revision: ++revision, object, bytes: Buffer.alloc(0) }, previous };
}

test('a namespace is empty when its last object is gone, whatever changed in between', () => {
  const population = new Population();
  for (const it of [event('ADDED', 'a'), event('ADDED', 'b'), event('MODIFIED', 'a'), event('DELETED', 'a')])
    population.observe(it);
  assert.ok(!population.isEmptyNamespace('ns'));
  assert.ok(!population.isEmptyResource('pods.'));
  population.observe(event('DELETED', 'b'));
  assert.ok(population.isEmptyNamespace('ns'));
  assert.ok(population.isEmptyResource('pods.'));
});

test('dependents are found by their current owner references, and are forgotten when they are gone', () => {
  const dependents = new Dependents();
  const [one, two] = [event('ADDED', 'one').entry, event('ADDED', 'two').entry];
  const added = event('ADDED', 'child', 'one');
  dependents.observe(added);
  assert.deepEqual(dependents.of(one), [added.entry]);
  const moved = event('MODIFIED', 'child', 'two', added.entry);
  dependents.observe(moved);
  assert.deepEqual([dependents.of(one), dependents.of(two)], [[], [moved.entry]]);
  dependents.observe(event('DELETED', 'child', 'two', moved.entry));
  assert.deepEqual(dependents.of(two), []);
});
