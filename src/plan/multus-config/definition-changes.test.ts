import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkAttachmentDefinition } from '#api';
import { configObject, macvlan, rendered } from './config-fixture.ts';
import type { DefinitionChange } from './definition-changes.ts';
import { definitionChanges } from './index.ts';

const COPIED = 'multus.orbweaver.io/copied-annotations';
const config = configObject(macvlan);
const wanted = rendered(macvlan, { a: '1' });

/** The definition as the API server has it, with changes of its metadata. */
function stored(metadata: object = {}, spec: object | undefined = wanted.spec): NetworkAttachmentDefinition {
  const base = { ...wanted.metadata, uid: 'd1', resourceVersion: '7' };
  return { ...wanted, metadata: { ...base, ...metadata }, spec } as NetworkAttachmentDefinition;
}

const change = (existing: NetworkAttachmentDefinition | undefined, want = wanted) =>
  definitionChanges(existing, want, config);

function bodyOf(made: DefinitionChange): unknown {
  return made.verb === 'patch' ? made.body : made.verb;
}

test('a missing definition is created, also after somebody deleted it', () => {
  assert.deepEqual(change(undefined), { verb: 'create', definition: wanted });
});

test('a definition that is as it should be is not written', () => {
  assert.deepEqual(change(stored()), { verb: 'none' });
});

test('annotations and labels of others stay', () => {
  const annotations = { ...wanted.metadata.annotations, theirs: 'x' };
  assert.deepEqual(change(stored({ annotations, labels: { l: '1' } })), { verb: 'none' });
});

test('an edited configuration is put back, and nothing else is written', () => {
  const made = change(stored({}, { config: '{}' }));
  const body = { metadata: { resourceVersion: '7' }, spec: { config: wanted.spec?.config } };
  assert.deepEqual(made, { verb: 'patch', body, takesOver: false });
  assert.deepEqual(change({ ...stored(), spec: undefined }), made);
});

test('a configuration is removed where none is wanted', () => {
  const made = change(stored({}, { config: '{}' }), { ...wanted, spec: {} });
  assert.deepEqual(bodyOf(made), { metadata: { resourceVersion: '7' }, spec: { config: null } });
  assert.deepEqual(change(stored({}, { config: '' }), { ...wanted, spec: {} }), { verb: 'none' });
});

test('an annotation that leaves the SpiderMultusConfig leaves the definition, and one of others stays', () => {
  const annotations = { a: '1', b: '2', theirs: 'x', [COPIED]: 'a,b' };
  assert.deepEqual(bodyOf(change(stored({ annotations }))), {
    metadata: { annotations: { [COPIED]: 'a', b: null }, resourceVersion: '7' },
  });
  assert.deepEqual(bodyOf(change(stored({ annotations }), rendered(macvlan))), {
    metadata: { annotations: { a: null, b: null, [COPIED]: null }, resourceVersion: '7' },
  });
});

test('a definition without owner is taken over, and owners of others stay', () => {
  const theirs = { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'c1' };
  const made = change(stored({ ownerReferences: [theirs] }));
  assert.deepEqual(bodyOf(made), {
    metadata: {
      ownerReferences: [theirs, ...(wanted.metadata.ownerReferences ?? [])],
      resourceVersion: '7',
    },
  });
  assert.equal(made.verb === 'patch' && made.takesOver, true);
});

test('an owner of an earlier object of this name is replaced', () => {
  const [own] = wanted.metadata.ownerReferences ?? [];
  const made = change(stored({ ownerReferences: [{ ...own, uid: 'old' }] }));
  assert.deepEqual(bodyOf(made), { metadata: { ownerReferences: [own], resourceVersion: '7' } });
  const plain = change(stored({ ownerReferences: [{ ...own, controller: false }] }));
  assert.deepEqual(bodyOf(plain), bodyOf(made));
  assert.equal(made.verb === 'patch' && made.takesOver, false);
});

test('a definition of another owner is refused and stays as it is', () => {
  const [own] = wanted.metadata.ownerReferences ?? [];
  const rival = { ...own, name: 'other', uid: 'u9', controller: false };
  const operator = { apiVersion: 'x/v1', kind: 'SriovNetwork', name: 's', uid: 's1', controller: true };
  for (const owner of [rival, operator]) {
    const existing = stored({ ownerReferences: [owner] }, { config: '{}' });
    assert.deepEqual(change(existing), { verb: 'refuse', owner });
  }
});

test('a definition that is being deleted is waited for', () => {
  const existing = stored({ deletionTimestamp: '2026-01-01T00:00:00Z' }, { config: '{}' });
  assert.deepEqual(change(existing), { verb: 'wait' });
});

test('after each patch, the next comparison finds nothing to write', () => {
  const starts = [
    stored({ annotations: { b: '2', [COPIED]: 'b' } }, { config: '{}' }),
    stored({ ownerReferences: [], annotations: undefined }),
  ];
  for (const existing of starts) {
    const made = change(existing);
    assert.equal(made.verb, 'patch');
    assert.deepEqual(change(patched(existing, bodyOf(made) as object)), { verb: 'none' });
  }
});

/** A merge patch as the API server applies it (RFC 7386). */
function patched<T>(object: T, body: object): T {
  const result: Record<string, unknown> = { ...(object as object) };
  for (const [field, value] of Object.entries(body)) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (value === null) delete result[field];
    else result[field] = isObject ? patched(result[field] ?? {}, value as object) : value;
  }
  return result as T;
}
