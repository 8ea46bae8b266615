import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigMap, resources } from '#api';
import { type LogFields, type Logger, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { keyOf } from '#kube';
import { FakeKube } from '#kube/testing';
import type { Action } from './action.ts';
import type { Controller } from './controller.ts';
import { configMap, failure, kinds, namespace, patch, run, turns, type } from './controller-fixture.ts';
import { Controllers } from './controllers.ts';
import { Informers } from './informers.ts';

test('a key is planned when its object appears or changes, and not at intervals', async () => {
  const it = await run(() => []);
  await it.set('2');
  await it.pass(600_000);
  assert.deepEqual(it.plans, ['a 1', 'a 2']);
  assert.deepEqual(it.results, ['done', 'done']);
  await it.stop();
});

test('a change concerns the keys of the old and of the new state', async () => {
  const keys: string[] = [];
  const it = await run(() => [], {
    concerns: (_, object) => [(object as ConfigMap).data?.value ?? ''],
    plan: (key) => {
      keys.push(key);
      return [];
    },
  });
  await it.set('2');
  assert.deepEqual(keys, ['1', '1', '2']);
  await it.stop();
});

test('controllers wait for an asynchronous plan, and abort it at the end', async () => {
  let aborted = false;
  const it = await run(async (_, __, signal) => {
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted = true;
        reject(new Error('ended'));
      });
    });
    return [];
  });
  await it.set('2');
  assert.equal(it.plans.length, 1);
  await it.stop();
  assert.deepEqual([aborted, it.results, it.plans.length], [true, [], 1]);
});

test('at the end a running call is aborted, and nothing is written later', async () => {
  const it = await run((object) => (object?.metadata.name === 'b' ? [patch(object, '2')] : []));
  const held = Promise.withResolvers<void>();
  it.kube.before = ({ verb }) => (verb === 'patch' ? held.promise : undefined);
  await it.kube.create(type, configMap('b'));
  await turns();
  const stopped = it.stop();
  held.resolve();
  await stopped;
  await it.pass(600_000);
  const { data } = await it.kube.get(type, { name: 'b', namespace });
  assert.deepEqual([data?.value, it.results], ['1', ['done']]);
});

test('a write to a kind without a reflector is not waited for', async () => {
  const secret: Action = {
    verb: 'create',
    type: resources.namespaces,
    object: { metadata: { name: 'n' } },
  };
  const it = await run(() => [secret]);
  assert.deepEqual(it.results, ['done']);
  await it.stop();
});

test('controllers that start again plan every key again', async () => {
  const kube = new FakeKube();
  const shared = { client: kube, clock: new FakeClock(), log: silentLogger };
  const informers = new Informers(shared, kinds);
  const plans: string[] = [];
  let asked = 0;
  const controller: Controller<typeof kinds> = {
    name: 'test',
    concerns: (_, object) => {
      asked += 1;
      return [keyOf(object)];
    },
    plan: (key) => {
      plans.push(key);
      return [];
    },
  };
  const controllers = new Controllers({ ...shared, informers, controllers: [controller] });
  await kube.create(type, configMap('a'));
  await informers.start();
  for (const expected of [['default/a'], ['default/a', 'default/a', 'default/b']]) {
    const end = new AbortController();
    const running = controllers.run(end.signal);
    await turns();
    assert.deepEqual(plans, expected);
    end.abort();
    await running;
    asked = 0;
    await kube.create(type, configMap('b')).catch(() => {});
    await turns();
    assert.equal(asked, 0);
  }
  assert.equal(plans.length, 3, 'nothing is planned between two runs');
  await informers.stop();
});

test('controllers end although the API server never answered', async () => {
  const kube = new FakeKube();
  kube.before = () => Promise.reject(failure('KUBE_UNREACHABLE'));
  const shared = { client: kube, clock: new FakeClock(), log: silentLogger };
  const informers = new Informers(shared, kinds);
  const end = new AbortController();
  void informers.start();
  const running = new Controllers({ ...shared, informers, controllers: [] }).run(end.signal);
  await turns();
  end.abort();
  await running;
  await informers.stop();
});

test('a controller whose functions throw does not disturb another one', async () => {
  const kube = new FakeKube();
  const clock = new FakeClock();
  const lines: LogFields[] = [];
  const log: Logger = { ...silentLogger, error: (fields) => void lines.push(fields) };
  const shared = { client: kube, clock, log };
  const informers = new Informers(shared, kinds);
  const throws = () => {
    throw new TypeError('a bug');
  };
  const plans: string[] = [];
  const plan = (key: string) => {
    plans.push(key);
    return [];
  };
  const broken: Controller<typeof kinds> = { name: 'broken', concerns: throws, timed: throws, plan };
  const good: Controller<typeof kinds> = { name: 'good', concerns: () => ['x'], timed: () => ['y'], plan };
  const controllers = new Controllers({ ...shared, informers, controllers: [broken, good] });
  await kube.create(type, configMap('a'));
  await informers.start();
  const end = new AbortController();
  const running = controllers.run(end.signal);
  await turns();
  await clock.advance(1000);
  await turns();
  assert.deepEqual(plans.toSorted(), ['x', 'y', 'y']);
  assert.equal(informers.statistics().get('configMaps')?.handlerErrors, 1);
  assert.ok(lines.every(({ err }) => /a bug/.test(String((err as Error).stack))));
  assert.equal(lines.length, 3);
  end.abort();
  await running;
  await informers.stop();
});

test('an Event names the controller as its reporter', async () => {
  const it = await run((object) =>
    object === undefined
      ? []
      : [{ verb: 'event', type, object, note: { type: 'Warning', reason: 'Why', message: 'because' } }],
  );
  await it.stop();
  const { items } = await it.kube.list(resources.events);
  assert.deepEqual(
    items.map(({ reason, source }) => [reason, source?.component]),
    [['Why', 'test']],
  );
});

test('the metrics time each try, and tell what waits and what the informers did', async () => {
  const tries: [string, string, number][] = [];
  const it = await run(
    async (object, nth) => {
      if (nth > 1) await it.clock.sleep(250);
      if (object?.data?.value === 'away') throw failure('KUBE_UNREACHABLE');
      return [];
    },
    {},
    (...tried) => void tries.push(tried),
  );
  await it.kube.create(type, configMap('b'));
  await it.set('away');
  assert.deepEqual(it.controllers.queues().get('test'), { waiting: 1, delayed: 0, parked: 0 });
  await it.pass(250);
  await it.pass(250);
  assert.deepEqual(tries, [
    ['test', 'done', 0],
    ['test', 'done', 0.25],
    ['test', 'back-off', 0.25],
  ]);
  assert.deepEqual(it.controllers.queues().get('test'), { waiting: 0, delayed: 1, parked: 0 });
  const figures = {
    objects: 2,
    lists: 1,
    watches: 1,
    events: 2,
    failures: 0,
    malformed: 0,
    handlerErrors: 0,
  };
  assert.deepEqual(it.informers.statistics().get('configMaps'), figures);
  await it.stop();
});

test('the end waits for a plan that ends slowly', async () => {
  const slow = Promise.withResolvers<void>();
  const it = await run(async () => {
    await slow.promise;
    return [];
  });
  let ended = false;
  const stopped = it.stop().then(() => {
    ended = true;
  });
  await turns();
  assert.equal(ended, false);
  slow.resolve();
  await stopped;
});
