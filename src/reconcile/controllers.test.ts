// The contract of retries, row by row, and what else controllers rely on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigMap, type KubeObject, type ResourceType, resources } from '#api';
import { type ErrorCode, type LogFields, type Logger, OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { type CallOptions, keyOf, type Selection, type WatchEvent } from '#kube';
import { FakeKube } from '#kube/testing';
import type { Action } from './action.ts';
import { type Controller, type Plan, splitKey } from './controller.ts';
import { Controllers } from './controllers.ts';
import { Informers } from './informers.ts';

const type = resources.configMaps;
const kinds = { configMaps: type };
const namespace = 'default';
const configMap = (name: string, value = '1'): ConfigMap => ({
  metadata: { name, namespace },
  data: { value },
});

const failure = (code: ErrorCode) => new OrbError(code, { message: code });
const patch = (object: ConfigMap, value: string, resourceVersion?: string): Action => ({
  verb: 'patch',
  type,
  object,
  body: { data: { value }, ...(resourceVersion === undefined ? {} : { metadata: { resourceVersion } }) },
});

/** Lets everything run that does not wait for the clock. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Holds watch events back while `gate` is closed. */
class LaggingKube extends FakeKube {
  gate = Promise.resolve();

  override async *watch<T extends KubeObject>(
    ...given: [ResourceType<T>, Selection & { readonly resourceVersion: string }, CallOptions]
  ): AsyncGenerator<WatchEvent<T>> {
    for await (const event of super.watch(...given)) {
      await this.gate;
      yield event;
    }
  }
}

type Planned = (object: ConfigMap | undefined, nth: number, signal: AbortSignal) => Plan | Promise<Plan>;

/** Runs one controller that plans every config map. */
async function run(plan: Planned, more: Partial<Controller<typeof kinds>> = {}) {
  const kube = new LaggingKube();
  const clock = new FakeClock();
  const lines: LogFields[] = [];
  const note = (fields: LogFields) => void lines.push(fields);
  const log: Logger = { ...silentLogger, warn: note, error: note, child: () => log };
  const results: string[] = [];
  const plans: string[] = [];
  const controller: Controller<typeof kinds> = {
    name: 'test',
    concerns: (_, object) => [keyOf(object)],
    plan: (key, state, _, signal) => {
      const { name } = splitKey(key);
      const object = state.configMaps.get(name, namespace);
      plans.push(`${name} ${object?.data?.value ?? 'gone'}`);
      return plan(object, plans.length, signal);
    },
    ...more,
  };
  const shared = { client: kube, clock, log };
  const informers = new Informers(shared, kinds);
  const metrics = { worked: (_: string, result: string) => void results.push(result), leads: () => {} };
  const controllers = new Controllers({ ...shared, informers, controllers: [controller], metrics });
  const end = new AbortController();
  await kube.create(type, configMap('a'));
  void informers.start();
  const running = controllers.run(end.signal);
  await turns();
  return {
    ...{ kube, clock, lines, results, plans, controllers },
    /** Another program changes the object. */
    async set(value: string, name = 'a') {
      await kube.patch(type, { name, namespace }, { type: 'merge', body: { data: { value } } });
      await turns();
    },
    async pass(ms: number) {
      await clock.advance(ms);
      await turns();
    },
    again: () => controllers.run(end.signal),
    async stop() {
      end.abort();
      await Promise.all([running, informers.stop()]);
      await controllers.eventsWritten();
    },
  };
}

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

test('a plan is made again after the time that it returns, and the earliest of several times counts', async () => {
  const it = await run((_, nth) => ({ actions: [], againAfterMs: [5000, 3000, 4000][nth - 1] ?? 100_000 }));
  await it.set('2');
  await it.set('3');
  assert.equal(it.plans.length, 3);
  await it.pass(2999);
  assert.equal(it.plans.length, 3);
  await it.pass(1);
  assert.equal(it.plans.length, 4);
  await it.pass(50_000);
  assert.equal(it.plans.length, 4);
  await it.stop();
});

test('a change that others already made counts as success', async () => {
  const gone: ConfigMap = { metadata: { name: 'gone', namespace, uid: 'u' } };
  const it = await run(() => [
    { verb: 'create', type, object: configMap('a') },
    { verb: 'delete', type, object: gone },
    patch(gone, '2'),
  ]);
  assert.deepEqual(it.results, ['done']);
  await it.stop();
});

test('after a conflict the key is planned at once, from the server’s state', async () => {
  const it = await run((object, nth) =>
    object?.data?.value === 'other' || nth > 3 ? [] : [patch(object as ConfigMap, 'mine', 'old')],
  );
  await it.stop();
  assert.deepEqual(it.results.slice(0, 2), ['at-once', 'at-once']);

  let open = () => {};
  const lagging = await run((object, nth) =>
    nth === 2 ? [patch(object as ConfigMap, 'mine', object?.metadata.resourceVersion)] : [],
  );
  const { kube } = lagging;
  let changed = false;
  kube.before = async ({ verb }) => {
    if (verb !== 'patch' || changed) return;
    changed = true;
    kube.gate = new Promise((resolve) => {
      open = resolve;
    });
    await kube.patch(type, { name: 'b', namespace }, { type: 'merge', body: { data: { value: 'other' } } });
  };
  await kube.create(type, configMap('b'));
  await turns();
  assert.deepEqual(lagging.plans, ['a 1', 'b 1'], 'the next plan waits for the watch');
  assert.equal(kube.count('get', 'configmaps'), 1);
  open();
  await turns();
  assert.equal(lagging.plans[2], 'b other');
  assert.deepEqual(lagging.results.slice(0, 2), ['done', 'at-once']);
  await lagging.stop();
});

test('the sixth conflict in a row waits', async () => {
  const it = await run((object, nth) => (nth > 7 ? [] : [patch(object as ConfigMap, 'x', 'old')]));
  const five = Array.from({ length: 5 }, () => 'at-once');
  assert.deepEqual(it.results, [...five, 'back-off']);
  await it.pass(50);
  assert.deepEqual(it.results.slice(6), ['back-off']);
  await it.pass(100);
  assert.deepEqual(it.results.slice(7), ['done']);
  await it.stop();

  const rare = await run((object, nth) => (nth % 4 === 0 ? [] : [patch(object as ConfigMap, 'x', 'old')]));
  await rare.set('2');
  await rare.set('3');
  assert.equal(rare.results.filter((result) => result === 'at-once').length, 9);
  assert.ok(!rare.results.includes('back-off'), 'a success ends the row');
  await rare.stop();
});

test('an object that was deleted and created again is neither patched nor deleted', async () => {
  const it = await run((object, nth) => {
    const earlier = { ...object, metadata: { ...object?.metadata, uid: 'earlier' } };
    if (nth === 1) return [{ verb: 'delete', type, object: earlier }];
    return nth === 2 ? [patch(earlier, '2')] : [];
  });
  assert.deepEqual(it.results, ['at-once', 'at-once', 'done']);
  assert.equal((await it.kube.get(type, { name: 'a', namespace })).data?.value, '1');
  await it.stop();
});

test('a plan that fails by the user’s mistake is not tried again until the object changes', async () => {
  const it = await run(
    (object, nth) => {
      if (nth === 1) return { actions: [], againAfterMs: 5000 };
      if (object?.data?.value === 'bad') throw failure('KUBE_INVALID');
      return [];
    },
    { timed: () => ['default/a'] },
  );
  await it.set('bad');
  const tries = it.plans.length;
  assert.deepEqual(it.controllers.queues().get('test')?.parked, 1);
  assert.equal(it.results.at(-1), 'on-change');
  await it.pass(600_000);
  assert.equal(it.plans.length, tries);
  assert.equal(it.lines.filter(({ error }) => error === 'KUBE_INVALID').length, 1);
  await it.set('good');
  assert.deepEqual([it.plans.at(-1), it.results.at(-1)], ['a good', 'done']);
  assert.deepEqual(it.controllers.queues().get('test')?.parked, 0);
  await it.stop();
});

test('a change during a plan that fails by the user’s mistake is not lost', async () => {
  const working = Promise.withResolvers<void>();
  const it = await run(async (object) => {
    if (object?.data?.value !== '1') return [];
    await working.promise;
    throw failure('INPUT_INVALID');
  });
  await it.set('2');
  working.resolve();
  await turns();
  assert.deepEqual(
    [it.plans, it.results],
    [
      ['a 1', 'a 2'],
      ['on-change', 'done'],
    ],
  );
  await it.stop();
});

test('any other failure is tried again with growing waits, and at once when the object changes', async () => {
  const it = await run((_, nth) => {
    if (nth === 4 || nth > 5) return [];
    throw failure('KUBE_UNREACHABLE');
  });
  for (const ms of [50, 100]) await it.pass(ms);
  assert.deepEqual(it.results, ['back-off', 'back-off', 'back-off']);
  await it.pass(99);
  assert.equal(it.plans.length, 3, 'the third wait is at least 100 ms');
  await it.set('2');
  assert.equal(it.results.at(-1), 'done');
  await it.pass(101);
  assert.deepEqual(it.results.slice(3), ['done', 'back-off']);
  await it.pass(50);
  assert.deepEqual(it.results.slice(5), ['done'], 'the success began the waits anew');
  await it.stop();
});

test('a bug, also with the code INTERNAL, is tried again with waits and logged with its stack', async () => {
  const it = await run((_, nth) => {
    if (nth === 1) throw new TypeError('a bug');
    if (nth === 2) throw failure('INTERNAL');
    return [];
  });
  await it.pass(50);
  await it.pass(100);
  assert.deepEqual(it.results, ['bug', 'bug', 'done']);
  const stacks = it.lines.map(({ err }) => String((err as Error | undefined)?.stack));
  assert.match(stacks[0] ?? '', /TypeError: a bug[\s\S]*controllers\.test/);
  assert.match(stacks[1] ?? '', /INTERNAL[\s\S]*controllers\.test/);
  await it.stop();
});

test('the error of one action hides no other error, and all started actions are finished', async () => {
  const slow = Promise.withResolvers<void>();
  const it = await run((_, nth) =>
    nth > 1
      ? []
      : ['bad', 'away', 'slow'].map((name): Action => ({ verb: 'create', type, object: configMap(name) })),
  );
  await it.stop();

  const other = await run((object, nth) => {
    if (object?.metadata.name !== 'b' || nth > 2) return [];
    return ['bad', 'away', 'slow'].map((name): Action => ({ verb: 'create', type, object: configMap(name) }));
  });
  other.kube.before = async ({ verb, name }) => {
    if (verb !== 'create' || name === 'b') return;
    if (name === 'bad') throw failure('KUBE_INVALID');
    if (name === 'away') throw failure('KUBE_UNREACHABLE');
    await slow.promise;
  };
  await other.kube.create(type, configMap('b'));
  await turns();
  assert.deepEqual(other.results, ['done'], 'the slow action is waited for');
  slow.resolve();
  await turns();
  assert.equal(other.results[1], 'back-off');
  await other.stop();
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
