// The file of objects that an installation begins with.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultsIn } from './defaults.ts';

const coordinator =
  'apiVersion: spiderpool.spidernet.io/v2beta1\nkind: SpiderCoordinator\nmetadata: {name: default}';
const config =
  'apiVersion: spiderpool.spidernet.io/v2beta1\nkind: SpiderMultusConfig\nmetadata: {name: a, namespace: kube-system}';

test('each document is an object of our kinds; empty ones are left out', () => {
  const found = defaultsIn('d.yaml', `---\n${coordinator}\nspec: {mode: auto}\n---\n---\n${config}\n`);
  assert.deepEqual(
    found.map(({ type, object }) => [type.plural, object.metadata.name, object.metadata.namespace]),
    [
      ['spidercoordinators', 'default', undefined],
      ['spidermultusconfigs', 'a', 'kube-system'],
    ],
  );
  assert.deepEqual(
    found.map(({ object }) => (object as { spec?: unknown }).spec),
    [{ mode: 'auto' }, undefined],
  );
  assert.deepEqual(defaultsIn('d.yaml', ''), []);
  assert.deepEqual(defaultsIn('d.yaml', '# nothing\n'), []);
});

for (const [what, text, message] of [
  ['no YAML', 'a: [', /^document 1 of d\.yaml is not YAML: /],
  ['no object', `${coordinator}\n---\njust text`, /^document 2 of d\.yaml is not an object of Kubernetes$/],
  [
    'a mistyped kind',
    coordinator.replace('SpiderCoordinator', 'SpiderCoordinater'),
    /is no kind of Orbweaver; did you mean SpiderCoordinator\?$/,
  ],
  [
    'another version',
    coordinator.replace('v2beta1', 'v1'),
    /spiderpool\.spidernet\.io\/v1 SpiderCoordinator is no kind/,
  ],
  ['no name', coordinator.replace('{name: default}', '{}'), /metadata\.name is missing$/],
  ['no namespace', config.replace(', namespace: kube-system', ''), /metadata\.namespace is missing$/],
] as const) {
  test(`a file with ${what} is refused, with the document`, () => {
    assert.throws(() => defaultsIn('d.yaml', text), { code: 'INPUT_INVALID', message });
  });
}
