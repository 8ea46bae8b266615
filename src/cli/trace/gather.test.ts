import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKube } from '#kube/testing';
import { refusal } from '#net';
import { FakeNamespace } from '#net/testing';
import { seeWorld } from './gather.ts';
import type { Site } from './site.ts';

const site: Site = {
  client: new FakeKube(),
  places: [
    { name: 'node1', kind: 'node', netns: 'current' },
    { name: 'default/ended', kind: 'pod', node: 'node1', netns: '/run/netns/ended' },
    { name: 'default/web', kind: 'pod', node: 'node1', netns: '/run/netns/web' },
  ],
};
const facts = { pods: [], nodes: [], services: [], slices: [], overlayCidrs: [] };

function openUnless(path: string, errno: string) {
  return (asked: string) => {
    if (asked === path) throw refusal({ doing: `open ${path}`, subject: path, errno, words: errno });
    return new FakeNamespace();
  };
}

test('a pod that ends while a trace looks around is left out', () => {
  for (const errno of ['ENOENT', 'EINVAL']) {
    const { places } = seeWorld(site, facts, openUnless('/run/netns/ended', errno));
    assert.deepEqual(
      places.map(({ name }) => name),
      ['node1', 'default/web'],
    );
  }
});

test('a trace fails when a node, or a pod that must not be left out, cannot be entered', () => {
  assert.throws(() => seeWorld(site, facts, openUnless('current', 'ENOENT')), /cannot open current/);
  assert.throws(() => seeWorld(site, facts, openUnless('/run/netns/ended', 'EACCES')), /cannot open/);
});
