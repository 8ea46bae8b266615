import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readReport } from './report.ts';

const spec = (State: string, more: object = {}) => ({
  ContainerHierarchyTexts: ['[sig-network] DNS'],
  LeafNodeType: 'It',
  LeafNodeText: 'should work [Conformance]',
  State,
  Failure: { Message: '' },
  ...more,
});

const read = (...SpecReports: object[]) => readReport(JSON.stringify([{ SpecReports }]));

const name = 'DNS › should work [Conformance]';

test('a test that passed and one that failed are in the results, with the reason', () => {
  const failed = spec('failed', { Failure: { Message: 'no answer' } });
  assert.deepEqual(read(spec('passed'), failed), [
    { name, state: 'passed' },
    { name, state: 'failed', why: 'no answer' },
  ]);
});

test('a test that skipped itself is in the results, and one that was not chosen is not', () => {
  const itself = spec('skipped', { Failure: { Message: 'needs 3 nodes' } });
  assert.deepEqual(read(spec('skipped'), itself), [{ name, state: 'skipped', why: 'needs 3 nodes' }]);
});

test('whatever else became of a test is a failure: ended, timed out, panicked', () => {
  for (const state of ['aborted', 'interrupted', 'timedout', 'panicked', 'unheard of']) {
    assert.deepEqual(read(spec(state)), [{ name, state: 'failed', why: state }]);
  }
});

test('what runs before all tests counts only where it failed', () => {
  const before = { ContainerHierarchyTexts: null, LeafNodeType: 'SynchronizedBeforeSuite', LeafNodeText: '' };
  assert.deepEqual(read(spec('passed', before)), []);
  assert.deepEqual(read(spec('failed', { ...before, Failure: { Message: 'no nodes' } })), [
    { name: 'SynchronizedBeforeSuite', state: 'failed', why: 'no nodes' },
  ]);
});
