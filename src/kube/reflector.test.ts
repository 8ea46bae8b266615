import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigMap, resources } from '#api';
import { type Logger, OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import type { KubeClient, WatchEvent } from './client.ts';
import { type ObjectChange, Reflector } from './reflector.ts';
import { FakeKube } from './testing/index.ts';

const type = resources.configMaps;
const namespace = 'default';

const configMap = (name: string, value = '1'): ConfigMap => ({
  metadata: { name, namespace },
  data: { value },
});

/** Lets everything run that does not wait for the clock. The fake server answers in a later turn of the event loop. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function follow(client: KubeClient, log: Logger = silentLogger) {
  const clock = new FakeClock();
  const told: string[] = [];
  const reflector = new Reflector({ client, type, clock, log, random: () => 1 });
  reflector.subscribe((change) => told.push(shown(change)));
  /** Moves the clock, and lets everything run that this wakes. */
  const pass = async (ms: number) => {
    await clock.advance(ms);
    await turns();
  };
  return { clock, told, reflector, pass };
}

function shown(change: ObjectChange<ConfigMap>): string {
  const value = ({ data }: ConfigMap) => data?.value ?? '';
  const before = change.type === 'changed' ? `${value(change.before)}→` : '';
  return `${change.type} ${change.object.metadata.name} ${before}${value(change.object)}`;
}

const set = (kube: FakeKube, name: string, value: string) =>
  kube.patch(type, { name, namespace }, { type: 'merge', body: { data: { value } } });

const remove = (kube: FakeKube, name: string) => kube.delete(type, { name, namespace });

test('handlers get the listed objects and later changes, each with the previous state', async () => {
  const kube = new FakeKube();
  await kube.create(type, configMap('a'));
  const { reflector, told } = follow(kube);
  reflector.start();
  await reflector.ready;
  await turns();
  await kube.create(type, configMap('b'));
  await set(kube, 'a', '2');
  await remove(kube, 'a');
  await turns();
  assert.deepEqual(told, ['added a 1', 'added b 1', 'changed a 1→2', 'deleted a 2']);
  assert.deepEqual([...reflector.store.keys()], ['default/b']);
  await reflector.stop();
});

test('a broken watch continues from its last version, without a new list', async () => {
  const kube = new FakeKube();
  const { reflector, told, pass } = follow(kube);
  reflector.start();
  await turns();
  await kube.create(type, configMap('b'));
  await turns();
  kube.breakWatches();
  await turns();
  await kube.create(type, configMap('a'));
  await remove(kube, 'a');
  assert.deepEqual(told, ['added b 1']);
  await pass(200);
  assert.deepEqual(told, ['added b 1', 'added a 1', 'deleted a 1']);
  const { lists, failures, events } = reflector.statistics;
  assert.deepEqual({ lists, failures, events }, { lists: 1, failures: 1, events: 3 });
  await reflector.stop();
});

test('the same failure is logged aloud once, and again after the watch worked in between', async () => {
  const kube = new FakeKube();
  const warnings: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
  const { reflector, pass } = follow(kube, log);
  reflector.start();
  await turns();
  const breakTwice = async () => {
    for (let times = 0; times < 2; times += 1) {
      kube.breakWatches();
      await turns();
      await pass(30_000);
    }
  };
  await breakTwice();
  assert.deepEqual(warnings, ['the watch ended, trying again']);
  await kube.create(type, configMap('a'));
  await turns();
  await breakTwice();
  assert.equal(warnings.length, 2);
  await reflector.stop();
});

test('after 410, a new list reports only the objects that changed, came and went meanwhile', async () => {
  const kube = new FakeKube();
  for (const name of ['same', 'changed', 'gone', 'again']) await kube.create(type, configMap(name));
  const { reflector, told, pass } = follow(kube);
  reflector.start();
  await turns();
  kube.breakWatches();
  await turns();
  told.length = 0;
  await set(kube, 'changed', '2');
  await remove(kube, 'gone');
  await remove(kube, 'again');
  await kube.create(type, configMap('again', '2'));
  await kube.create(type, configMap('new'));
  kube.compact();
  await pass(200);
  await pass(400);
  assert.deepEqual(told.toSorted(), [
    'added again 2',
    'added new 1',
    'changed changed 1→2',
    'deleted again 1',
    'deleted gone 1',
  ]);
  assert.ok(told.indexOf('deleted again 1') < told.indexOf('added again 2'));
  assert.equal(reflector.statistics.lists, 2);
  await reflector.stop();
});

test('a handler that throws does not disturb other handlers or the watch, and its error is logged', async () => {
  const kube = new FakeKube();
  const errors: unknown[] = [];
  const { reflector, told } = follow(kube, { ...silentLogger, error: (fields) => errors.push(fields) });
  reflector.subscribe(() => {
    throw new Error('a bug');
  });
  const last: string[] = [];
  reflector.subscribe((change) => last.push(shown(change)));
  reflector.start();
  await turns();
  await kube.create(type, configMap('a'));
  await set(kube, 'a', '2');
  await turns();
  assert.deepEqual(told, ['added a 1', 'changed a 1→2']);
  assert.deepEqual(last, told);
  assert.deepEqual([reflector.statistics.handlerErrors, reflector.statistics.failures], [2, 0]);
  assert.match(String((errors[0] as { err: Error }).err.stack), /a bug[\s\S]*reflector\.test/);
  await reflector.stop();
});

test('a late subscriber gets the existing objects once, and nothing after its subscription ends', async () => {
  const kube = new FakeKube();
  await kube.create(type, configMap('a'));
  const { reflector } = follow(kube);
  const early: string[] = [];
  reflector.subscribe((change) => {
    if (change.type === 'added') reflector.subscribe((again) => early.push(shown(again)));
  });
  reflector.start();
  await turns();
  assert.deepEqual(early, ['added a 1']);
  const late: string[] = [];
  const end = reflector.subscribe((change) => late.push(shown(change)));
  assert.deepEqual(late, ['added a 1']);
  end();
  await set(kube, 'a', '2');
  await turns();
  assert.deepEqual(late, ['added a 1']);
  await reflector.stop();
});

test('while the server does not answer, the list is repeated with growing waits, and ready waits', async () => {
  const kube = new FakeKube();
  kube.before = () => {
    throw new OrbError('KUBE_UNREACHABLE', { message: 'no answer' });
  };
  const { reflector, pass } = follow(kube);
  let ready = false;
  void reflector.ready.then(() => {
    ready = true;
  });
  reflector.start();
  await turns();
  const lists: number[] = [];
  for (const wait of [199, 1, 399, 1, 799, 1]) {
    await pass(wait);
    lists.push(kube.count('list', 'configmaps'));
  }
  assert.deepEqual([lists, ready], [[1, 2, 2, 3, 3, 4], false]);
  kube.before = () => {};
  await pass(1600);
  assert.equal(ready, true);
  kube.breakWatches();
  await turns();
  const watches = kube.count('watch', 'configmaps');
  await pass(200);
  assert.equal(kube.count('watch', 'configmaps'), watches + 1, 'the list was progress: waits begin again');
  await reflector.stop();
});

test('a bookmark moves the start of the next watch and calls no handler', async () => {
  const begins: string[] = [];
  const next: (WatchEvent<ConfigMap> | OrbError)[][] = [
    [{ type: 'BOOKMARK', resourceVersion: '9' }],
    [new OrbError('KUBE_MALFORMED', { message: 'no event' })],
  ];
  const client = {
    list: () => Promise.resolve({ items: [], resourceVersion: '5' }),
    async *watch(_: unknown, from: { resourceVersion: string }) {
      begins.push(from.resourceVersion);
      for (const event of next.shift() ?? []) {
        await Promise.resolve();
        if (event instanceof OrbError) throw event;
        yield event;
      }
    },
  } as unknown as KubeClient;
  const { reflector, told, pass } = follow(client);
  reflector.start();
  await turns();
  await pass(200);
  await pass(400);
  assert.deepEqual(begins.slice(0, 3), ['5', '9', '5'], 'a malformed event needs a new list');
  assert.deepEqual(told, []);
  assert.equal(reflector.statistics.malformed, 1);
  await reflector.stop();
});

test('an event that comes late changes nothing if it is known, and needs a new list if it is not', async () => {
  const state = (name: string, resourceVersion: string, value: string): ConfigMap => ({
    metadata: { name, namespace, uid: name, resourceVersion },
    data: { value },
  });
  const watches: WatchEvent<ConfigMap>[][] = [
    [
      { type: 'MODIFIED', object: state('a', '9', 'new') },
      { type: 'ADDED', object: state('a', '6', 'old') },
      { type: 'DELETED', object: state('gone', '7', 'old') },
      { type: 'BOOKMARK', resourceVersion: '8' },
    ],
    [{ type: 'ADDED', object: state('missed', '8', 'new') }],
  ];
  const begins: string[] = [];
  let lists = 0;
  const client = {
    list: () =>
      Promise.resolve({ items: [state('a', '5', 'first')], resourceVersion: ++lists === 1 ? '5' : '10' }),
    async *watch(_: unknown, from: { resourceVersion: string }) {
      begins.push(from.resourceVersion);
      for (const event of watches.shift() ?? []) yield await Promise.resolve(event);
    },
  } as unknown as KubeClient;
  const { reflector, told, pass } = follow(client);
  reflector.start();
  await turns();
  assert.deepEqual([told, lists], [['added a first', 'changed a first→new'], 1]);
  await pass(200);
  await pass(400);
  assert.deepEqual(begins.slice(0, 3), ['5', '9', '10']);
  assert.equal(reflector.statistics.malformed, 1);
  await reflector.stop();
});

test('after stop no handler is called, and no request is open', async () => {
  const kube = new FakeKube();
  const { reflector, told, pass } = follow(kube);
  reflector.start();
  await turns();
  await reflector.stop();
  const calls = kube.calls.length;
  await kube.create(type, configMap('a'));
  await pass(60_000);
  assert.deepEqual([told, kube.calls.length], [[], calls + 1]);
});
