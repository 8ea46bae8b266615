// What an agent tells the leading controller about sandboxes on its node.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import type { NetworkNamespace } from '#net';
import { FakeNamespace } from '#net/testing';
import type { AttachmentRecord } from '#node';
import type { SandboxAnswer } from '#pools';
import { SandboxAnswers } from './sandbox-answers.ts';

let lastFd = 0;
const madeNamespace = () => new FakeNamespace({ fd: ++lastFd });
const node = madeNamespace();
const clock = new FakeClock();
let records: AttachmentRecord[];
let busy: Set<string>;
/** By path. An error is thrown. */
let namespaces: Map<string, NetworkNamespace | Error>;

beforeEach(() => {
  records = [];
  busy = new Set();
  namespaces = new Map();
});

function answersOf(questions: (answers: ReadonlyMap<string, SandboxAnswer>) => Promise<readonly string[]>) {
  return new SandboxAnswers({
    node,
    openNamespace: async (path) => {
      const found = namespaces.get(path);
      if (found instanceof Error) throw found;
      if (found === undefined) throw new OrbError('NETNS_INVALID', { message: `nothing is at ${path}` });
      return found;
    },
    leader: { questions },
    attachments: { ofPod: (uid) => records.filter(({ pod }) => pod?.uid === uid) },
    isBusy: ({ containerId }) => busy.has(containerId),
    clock,
    log: silentLogger,
  });
}

const says = (podUid: string) => answersOf(async () => []).sandboxOf(podUid);

/** A NIC of the pod `a` in this sandbox, whose namespace exists or not. */
function nic(containerId: string, namespace?: NetworkNamespace): AttachmentRecord {
  const path = `/run/netns/${containerId}`;
  if (namespace !== undefined) namespaces.set(path, namespace);
  const inode = Number((namespace?.id ?? '4:99').split(':').at(-1));
  const record: AttachmentRecord = {
    version: 1,
    containerId,
    interfaceName: 'eth0',
    netns: { path, inode },
    network: 'lan',
    pod: { namespace: 'ns', name: 'a', uid: 'a' },
    createdAt: '2026-06-01T12:00:00Z',
  };
  records.push(record);
  return record;
}

test('a sandbox lives as long as its network namespace exists', async () => {
  nic('one', madeNamespace());
  assert.equal(await says('a'), 'alive');
  namespaces.clear();
  assert.equal(await says('a'), 'gone');
});

test('one living sandbox of several is enough', async () => {
  nic('old');
  nic('new', madeNamespace());
  assert.equal(await says('a'), 'alive');
});

test('another namespace at the path of the old one is another sandbox', async () => {
  nic('one', madeNamespace());
  namespaces.set('/run/netns/one', madeNamespace());
  assert.equal(await says('a'), 'gone');
});

test('while an ADD or a DEL of the pod runs, it counts as alive', async () => {
  nic('one');
  busy.add('one');
  assert.equal(await says('a'), 'alive');
});

test('unknown is a pod without a record, a record without a namespace, and a namespace that cannot be opened', async () => {
  assert.equal(await says('a'), 'unknown');
  const { netns: _, ...without } = nic('one');
  records = [without];
  assert.equal(await says('a'), 'unknown');
  nic('two');
  namespaces.set('/run/netns/two', new OrbError('NETNS_UNREACHABLE', { message: 'no answer' }));
  assert.equal(await says('a'), 'unknown');
});

test('it sends its answers with its next request, and asks seldom where nobody leads', async () => {
  nic('one', madeNamespace());
  const ends = new AbortController();
  const sent: string[] = [];
  const script: (readonly string[] | Error)[] = [
    new Error('no controller leads'),
    ['a', 'b'],
    [],
    [],
    new Error('the leader has closed the connection'),
  ];
  const answers = answersOf(async (given) => {
    sent.push(JSON.stringify([...given]));
    const next = script.shift();
    if (next === undefined) ends.abort();
    if (next === undefined || next instanceof Error) throw next ?? new Error('the end');
    return next;
  });
  const running = answers.run(ends.signal);
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  await settle();
  assert.equal(sent.length, 1, 'it waits before it looks for a leader again');
  await clock.advance(1000);
  await settle();
  const expected = [
    '[]',
    '[]',
    JSON.stringify([
      ['a', 'alive'],
      ['b', 'unknown'],
    ]),
  ];
  assert.deepEqual(sent, expected);
  await settle();
  assert.equal(sent.length, 3, 'a leader that asks nothing and answers at once is not asked in a loop');
  for (let i = 0; i < 10; i++) {
    await clock.advance(1000);
    await settle();
  }
  await running;
  assert.equal(sent.length, 6);
});
