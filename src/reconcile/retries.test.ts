// The contract of retries, row by row.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '#api';
import type { Action } from './action.ts';
import { configMap, failure, namespace, patch, run, turns, type } from './controller-fixture.ts';

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
      if (object?.data?.value === 'bad') throw failure('INPUT_INVALID');
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
  assert.equal(it.lines.filter(({ error }) => error === 'INPUT_INVALID').length, 1);
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

test('a key that depends on time is not tried earlier after a failure', async () => {
  let isUp = false;
  const plan = () => (isUp ? [] : Promise.reject(failure('KUBE_UNREACHABLE')));
  const it = await run(plan, { timed: () => ['default/a'] });
  const minute = async () => {
    const before = it.plans.length;
    for (let second = 0; second < 60; second += 1) await it.pass(1000);
    return it.plans.length - before;
  };
  // The waits double from 50 ms to 30 s, and a wait is half of that at least.
  const tries = await minute();
  assert.ok(tries < 25, `${tries} tries in a minute`);
  isUp = true;
  await minute();
  assert.ok((await minute()) >= 60, 'after a success it is planned every second again');
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
  assert.match(stacks[0] ?? '', /TypeError: a bug[\s\S]*retries\.test/);
  assert.match(stacks[1] ?? '', /INTERNAL[\s\S]*retries\.test/);
  await it.stop();
});

test('the error of one action hides no other error, and all started actions are finished', async () => {
  const slow = Promise.withResolvers<void>();
  const it = await run((object, nth) => {
    if (object?.metadata.name !== 'b' || nth > 2) return [];
    return ['bad', 'away', 'slow'].map((name): Action => ({ verb: 'create', type, object: configMap(name) }));
  });
  it.kube.before = async ({ verb, name }) => {
    if (verb !== 'create' || name === 'b') return;
    if (name === 'bad') throw failure('INPUT_INVALID');
    if (name === 'away') throw failure('KUBE_UNREACHABLE');
    await slow.promise;
  };
  await it.kube.create(type, configMap('b'));
  await turns();
  assert.deepEqual(it.results, ['done'], 'the slow action is waited for');
  slow.resolve();
  await turns();
  assert.equal(it.results[1], 'back-off');
  await it.stop();
});
