// DELs that the agent makes up for, because nobody sends them.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { parseCniEnvironment } from '#api';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { type CniRequest, servedTypes } from '#cni';
import { FakeNamespace } from '#net/testing';
import type { AttachmentRecord } from '#node';
import { MissedDels } from './missed-dels.ts';

const node = new FakeNamespace({ fd: 1 });
let records: AttachmentRecord[];
let kept: CniRequest[];
let known: Set<string>;
let busy: boolean;
/** What opening the namespace at the path does. */
let open: (path: string) => Promise<FakeNamespace>;

beforeEach(() => {
  records = [record('eth0')];
  kept = [];
  known = new Set();
  busy = false;
  open = async (path) => {
    throw new OrbError('NETNS_INVALID', { message: `nothing is at ${path}` });
  };
});

function record(interfaceName: string, containerId = 'sandbox', path = '/run/netns/gone'): AttachmentRecord {
  return {
    version: 1,
    containerId,
    interfaceName,
    netns: { path, inode: inodeOf(7) },
    network: 'lan',
    pod: { namespace: 'ns', name: 'a', uid: 'u' },
    createdAt: '2026-06-01T12:00:00Z',
    ipam: { state: 'allocating' },
    coordinator: { state: 'planned' },
  } as unknown as AttachmentRecord;
}

function missedDels(): MissedDels {
  return new MissedDels({
    node,
    openNamespace: (path) => open(path),
    attachments: { all: () => records },
    isBusy: () => busy,
    isKnown: (uid) => known.has(uid),
    keep: async (request) => {
      kept.push(request);
    },
    types: servedTypes,
    clock: new FakeClock(),
    log: silentLogger,
  });
}

async function lookTwice(): Promise<string[]> {
  const missed = missedDels();
  await missed.look();
  assert.equal(kept.length, 0, 'one look is not enough');
  await missed.look();
  return kept.map(({ type, variables }) => `${type} ${variables.CNI_IFNAME}`);
}

test('a sandbox that is gone in two looks, and whose pod is gone, gets the DELs of its plugins in order', async () => {
  records.push(record('net1'));
  assert.deepEqual(await lookTwice(), [
    'coordinator eth0',
    'spiderpool eth0',
    'coordinator net1',
    'spiderpool net1',
  ]);
  const [first] = kept;
  const environment = parseCniEnvironment(first?.variables ?? {});
  assert.deepEqual(
    [environment.verb, environment.containerId, environment.netns],
    ['DEL', 'sandbox', undefined],
  );
  assert.match(environment.args, /K8S_POD_NAMESPACE=ns;K8S_POD_NAME=a;K8S_POD_UID=u/);
  assert.equal(new Set(kept.map(({ id }) => id)).size, 4);
});

test('nothing is made up for while the pod is known, or a request runs, or the namespace lives or cannot be seen', async () => {
  known.add('u');
  assert.deepEqual(await lookTwice(), []);
  known.clear();
  busy = true;
  assert.deepEqual(await lookTwice(), []);
  busy = false;
  open = async () => new FakeNamespace({ fd: 7 });
  records = [{ ...record('eth0'), netns: { path: '/run/netns/lives', inode: inodeOf(7) } }];
  assert.deepEqual(await lookTwice(), []);
  open = async () => {
    throw new OrbError('NETNS_UNREACHABLE', { message: 'the mount hangs' });
  };
  assert.deepEqual(await lookTwice(), []);
});

test('a known pod that lives in another sandbox gets the DELs of the one that is gone', async () => {
  known.add('u');
  records.push(record('eth0', 'other', '/run/netns/lives'), record('net1', 'other', '/run/netns/lives'));
  open = async (path) => {
    if (path === '/run/netns/lives') return new FakeNamespace({ fd: 7 });
    throw new OrbError('NETNS_INVALID', { message: `nothing is at ${path}` });
  };
  assert.deepEqual(await lookTwice(), ['coordinator eth0', 'spiderpool eth0']);
  assert.equal(parseCniEnvironment(kept[0]?.variables ?? {}).containerId, 'sandbox');

  kept = [];
  records.splice(1, 2, record('eth0', 'third'));
  assert.deepEqual(await lookTwice(), [], 'both sandboxes are gone, as after a reboot');
});

test('a record without a namespace or a pod says too little', async () => {
  const { netns: _, ...withoutNetns } = record('eth0');
  const { pod: __, ...withoutPod } = record('net1');
  records = [withoutNetns, withoutPod] as AttachmentRecord[];
  assert.deepEqual(await lookTwice(), []);
});

test('a namespace with the path of an old sandbox is another one, so its DEL is made up for', async () => {
  open = async () => new FakeNamespace({ fd: 9 });
  assert.deepEqual(await lookTwice(), ['coordinator eth0', 'spiderpool eth0']);
});

function inodeOf(fd: number): number {
  return Number(new FakeNamespace({ fd }).id.split(':').at(-1));
}
