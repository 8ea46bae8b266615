import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DelSchedule, type ReadDel } from './del-schedule.ts';

const free = () => false;

const del = (id: string, more: Partial<ReadDel> = {}): ReadDel => ({
  id,
  request: { type: 't', shimVersion: '1', id, deadlineMs: 1, variables: {}, stdin: '' },
  key: `pod ${id}`,
  asksCluster: true,
  ...more,
});

/** A schedule that has read these DELs at time 0. */
function scheduleOf(...dels: ReadDel[]): DelSchedule {
  const schedule = new DelSchedule();
  schedule.look(
    dels.map(({ id }) => id),
    0,
  );
  for (const each of dels) schedule.read(each);
  return schedule;
}

/** The DELs that start now. */
function starting(schedule: DelSchedule, nowMs: number, isBusy: (key: string) => boolean = free): string[] {
  const started: string[] = [];
  for (;;) {
    const next = schedule.next(nowMs, isBusy);
    if (next === undefined) return started;
    started.push(next.id);
  }
}

const many = (count: number, prefix: string, more: Partial<ReadDel> = {}) =>
  Array.from({ length: count }, (_, i) => del(`${prefix}${i}`, more));

test('new DELs start in the order of the queue; those for the node have lanes of their own', () => {
  const schedule = scheduleOf(...many(10, 'c'), ...many(4, 'n', { asksCluster: false }));
  assert.deepEqual(starting(schedule, 0), ['n0', 'n1', 'c0', 'c1', 'c2', 'c3', 'c4', 'c5']);
  schedule.ended('c3', 'gone', 0);
  schedule.ended('n1', 'failed', 0);
  assert.deepEqual(starting(schedule, 0), ['n2', 'c6']);
});

test('DELs that failed leave the lanes of new ones free, and come back the longest due first', () => {
  const schedule = scheduleOf(...many(6, 'bad'));
  for (const id of starting(schedule, 0))
    schedule.ended(id, 'failed', id === 'bad5' ? -2_000 : Number(id.at(-1)));
  const again = starting(schedule, 400);
  assert.deepEqual(again, ['bad5'], 'the others wait half a second at least');
  schedule.ended('bad5', 'failed', -5_000);
  again.push(...starting(schedule, 1_100));
  assert.deepEqual([again.length, again[1]], [5, 'bad5']);
  const ids = [...again, ...many(6, 'bad').map(({ id }) => id)];
  schedule.look([...new Set(ids), 'new'], 1_100);
  schedule.read(del('new'));
  assert.deepEqual(starting(schedule, 1_100), ['new']);
});

test('a DEL whose pod is busy is passed over, and counts as new when its pod is free', () => {
  const schedule = scheduleOf(del('a'), del('b'));
  assert.deepEqual(
    starting(schedule, 0, (key) => key === 'pod a'),
    ['b'],
  );
  schedule.ended('b', 'failed', 0);
  assert.deepEqual(starting(schedule, 0), ['a']);
  schedule.ended('a', 'skipped', 0);
  assert.deepEqual(starting(schedule, 0), ['a'], 'without a wait');
});

test('the DEL of the node goes before the DEL that releases the addresses of the same pod', () => {
  const schedule = scheduleOf(
    del('macvlan', { key: 'pod' }),
    ...many(3, 'n', { asksCluster: false }),
    del('coordinator', { key: 'pod', asksCluster: false }),
  );
  assert.deepEqual(starting(schedule, 0), ['n0', 'n1']);
  schedule.ended('n0', 'gone', 0);
  schedule.ended('n1', 'gone', 0);
  assert.deepEqual(
    starting(schedule, 0, (key) => key === 'never'),
    ['n2', 'coordinator', 'macvlan'],
  );
});

test('a DEL of the node that failed does not hold up the release of the addresses of its pod', () => {
  const schedule = scheduleOf(
    del('macvlan', { key: 'pod' }),
    del('coordinator', { key: 'pod', asksCluster: false }),
  );
  assert.equal(schedule.next(0, free)?.id, 'coordinator');
  schedule.ended('coordinator', 'failed', 0);
  assert.deepEqual(starting(schedule, 0), ['macvlan']);
});

test('while the API server is away, each look starts one new DEL that asks it, and one that failed', () => {
  const schedule = scheduleOf(...many(20, 'c'), ...many(9, 'n', { asksCluster: false }));
  const queued = [...many(20, 'c'), ...many(9, 'n')].map(({ id }) => id);
  for (const id of starting(schedule, 0).filter((each) => each.startsWith('c'))) {
    schedule.clusterAnswers(id, false);
    schedule.ended(id, 'failed', 0);
  }
  assert.deepEqual(starting(schedule, 0), []);
  schedule.ended('n0', 'gone', 0);
  assert.deepEqual(starting(schedule, 0), ['n2'], 'those of the node go on');
  schedule.look(queued, 5_000);
  const tried = starting(schedule, 5_000);
  assert.equal(tried.length, 2);
  assert.equal(tried[0], 'c6');
  schedule.clusterAnswers('c6', true);
  assert.equal(starting(schedule, 5_000).length, 5 + 3);
});

test('the cluster is known: no DEL that failed waits any longer', () => {
  const schedule = scheduleOf(del('a'));
  for (let i = 0; i < 3; i++) {
    schedule.look(['a'], i * 100_000);
    assert.deepEqual(starting(schedule, i * 100_000), ['a']);
    schedule.clusterAnswers('a', false);
    schedule.ended('a', 'failed', i * 100_000);
  }
  schedule.clusterKnown(200_001);
  assert.deepEqual(starting(schedule, 200_001), ['a']);
});

test('a DEL that is stuck leaves its lane, and is not started again while it runs', () => {
  const schedule = scheduleOf(...many(7, 'c'));
  assert.equal(starting(schedule, 0).length, 6);
  schedule.leaveLane('c0');
  assert.deepEqual(starting(schedule, 0), ['c6']);
  schedule.look(['c0'], 60_000);
  assert.deepEqual(starting(schedule, 60_000), []);
  schedule.ended('c0', 'gone', 60_000);
  assert.equal(schedule.size, 6, 'the others run');
});

test('a DEL that cannot be read is read again after its own wait, and blocks no other', () => {
  const schedule = new DelSchedule();
  assert.deepEqual(schedule.look(['unread', 'good'], 0), ['unread', 'good']);
  schedule.ended('unread', 'failed', 0);
  schedule.read(del('good'));
  assert.deepEqual(starting(schedule, 0), ['good']);
  assert.deepEqual(schedule.look(['unread', 'good'], 100), []);
  assert.deepEqual(schedule.look(['unread', 'good'], 1_100), ['unread']);
});

test('a DEL that somebody has removed from the queue is forgotten', () => {
  const schedule = scheduleOf(del('a'), del('b'));
  schedule.look(['b'], 0);
  assert.deepEqual([starting(schedule, 0), schedule.size], [['b'], 1]);
});
