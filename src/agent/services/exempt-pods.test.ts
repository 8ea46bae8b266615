// Which network namespaces are left to kube-proxy.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api';
import type { AttachmentRecord } from '#node';
import { SERVICE_MODE_ANNOTATION } from '#plan/service';
import { ExemptPods } from './exempt-pods.ts';

function pod(uid: string, mode?: string): Pod {
  const annotations = mode === undefined ? {} : { [SERVICE_MODE_ANNOTATION]: mode };
  return { metadata: { namespace: 'shop', name: uid, uid, annotations } } as Pod;
}

function record(uid: string, containerId = uid): AttachmentRecord {
  const netns = { path: `/run/netns/${containerId}`, inode: 1 };
  return { containerId, netns, pod: { namespace: 'shop', name: uid, uid } } as AttachmentRecord;
}

test('those of pods whose annotation says kube-proxy, each read once', async () => {
  const asked: string[] = [];
  const pods = [pod('mesh', 'kube-proxy'), pod('plain'), pod('own', 'ebpf'), pod('wrong', 'off')];
  const records = [record('plain'), record('mesh'), record('mesh'), record('own'), record('wrong')];
  const exempt = new ExemptPods({
    attachments: { all: () => records },
    pods: () => pods,
    cookieOf: async (path) => BigInt(asked.push(path)),
  });
  assert.deepEqual(await exempt.cookies(), new Set([1n]));
  assert.deepEqual(await exempt.cookies(), new Set([1n]));
  assert.deepEqual(asked, ['/run/netns/mesh']);
  records.push(record('mesh', 'newer'));
  assert.deepEqual(await exempt.cookies(), new Set([1n, 2n]));
  pods.splice(0, 1, pod('mesh'));
  assert.deepEqual(await exempt.cookies(), new Set());
});

test('a namespace that is gone has none', async () => {
  const exempt = new ExemptPods({
    attachments: { all: () => [record('mesh')] },
    pods: () => [pod('mesh', 'kube-proxy')],
    cookieOf: async () => undefined,
  });
  assert.deepEqual(await exempt.cookies(), new Set());
});
