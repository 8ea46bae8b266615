import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '#net';
import { FakeNamespace, type FakeNamespaces } from '#net/testing';
import { addedNamespace, leftNamespace, recordedNetns } from './pod-namespace.ts';

const path = '/proc/4711/ns/net';

/** A node, the pod that was added, and what the path leads to by now. */
function scene(now: 'the pod' | 'another pod' | 'the node' | 'nothing') {
  const peers: FakeNamespaces = new Map();
  const node = new FakeNamespace({ peers });
  const pod = new FakeNamespace({ peers });
  const other = new FakeNamespace({ peers });
  const openNamespace = async () => {
    if (now === 'nothing') throw refusal({ doing: 'open', subject: path, errno: 'ENOENT', words: 'gone' });
    return { 'the pod': pod, 'another pod': other, 'the node': node }[now];
  };
  return { pod, parts: { node, openNamespace }, recorded: recordedNetns(path, pod) };
}

test('DEL finds the namespace of the ADD by the path of the runtime or of the record', async () => {
  const { pod, parts, recorded } = scene('the pod');
  assert.equal(await leftNamespace(parts, recorded, '/run/netns/other-name'), pod);
  assert.equal(await leftNamespace(parts, recorded), pod);
  assert.equal(await leftNamespace(parts, undefined), undefined);
});

test('DEL does not touch another pod whose process has the number of the old one', async () => {
  const { parts, recorded } = scene('another pod');
  assert.equal(await leftNamespace(parts, recorded, path), undefined);
});

test('DEL does not touch the node, also with a record of an earlier version', async () => {
  const { parts } = scene('the node');
  assert.equal(await leftNamespace(parts, { path }), undefined);
});

test('DEL continues without a namespace that is gone', async () => {
  const { parts, recorded } = scene('nothing');
  assert.equal(await leftNamespace(parts, recorded, path), undefined);
});

test('CHECK of another pod’s namespace fails, and the error names the path', async () => {
  const { parts, recorded } = scene('another pod');
  const message = `CNI_NETNS ${path} is not the network namespace that the interface was added in`;
  await assert.rejects(addedNamespace(parts, recorded, path), { code: 'CNI_CHECK_FAILED', message });
  const whole = scene('the pod');
  assert.equal(await addedNamespace(whole.parts, whole.recorded, path), whole.pod);
});
