// What a starting controller does with the CustomResourceDefinitions that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CustomResourceDefinition, crdManifests } from '#api';
import { isEstablished, kindStep, marked } from './kind-step.ts';
import { isOlder } from './version.ts';

function definition(name: string): CustomResourceDefinition {
  const found = crdManifests().find(({ metadata }) => metadata.name?.startsWith(`${name}.`));
  assert.ok(found);
  return found;
}

test('a kind that the server does not have is applied, with the version that did it', () => {
  assert.equal(kindStep(undefined, '1.2.0'), 'apply');
  const { metadata } = marked(definition('spiderippools'), '1.2.0');
  assert.deepEqual(metadata.annotations, { 'orbweaver.io/version': '1.2.0' });
});

test('a kind of an older version, and one of Spiderpool itself, is replaced', () => {
  const pools = definition('spiderippools');
  assert.equal(kindStep(marked(pools, '1.1.9'), '1.2.0'), 'apply');
  assert.equal(kindStep(marked(pools, '1.2.0'), '1.2.0'), 'apply');
  assert.equal(kindStep(pools, '1.2.0'), 'apply');
});

test('a kind of a newer version stays: its objects may have fields that this version does not know', () => {
  assert.equal(kindStep(marked(definition('spiderippools'), '1.10.0'), '1.9.0'), 'keep-newer');
});

test('the kind of Multus stays as Multus has installed it', () => {
  const networks = definition('network-attachment-definitions');
  assert.equal(kindStep(networks, '1.2.0'), 'keep-foreign');
  assert.equal(kindStep(marked(networks, '1.1.0'), '1.2.0'), 'apply');
});

test('versions are ordered by number, and a pre-release precedes its release', () => {
  const ascending = ['broken', '0.9.0', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta.2'];
  ascending.push('1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.2.0', '1.10.0');
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) assert.equal(isOlder(a, b), i < j, `${a} before ${b}`);
  }
  assert.equal(isOlder('1.0.0+build.2', '1.0.0+build.10'), false);
});

test('a kind is served when its condition Established is True', () => {
  const pools = definition('spiderippools');
  const shown = (status: 'True' | 'False'): CustomResourceDefinition => ({
    ...pools,
    status: { conditions: [{ type: 'Established', status }] },
  });
  assert.deepEqual([pools, shown('False'), shown('True')].map(isEstablished), [false, false, true]);
});
