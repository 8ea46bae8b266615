import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import { Election, lease, turns } from './candidate-fixture.ts';
import { LeaderElection } from './leader-election.ts';

/** The default lease duration, in seconds. */
const duration = 15;
/** Seconds after its last renewal at which a leader ends. */
const deadline = 10;
/** A candidate comes at the latest after 2.2 retry periods; the tests take the middle of its jitter. */
const retry = 2 * 1.6;

async function twoCandidates() {
  const election = new Election();
  const a = election.candidate('a');
  await turns();
  const b = election.candidate('b');
  await election.pass(5);
  return { election, a, b };
}

test('of two candidates one leads, and it stays the same one', async () => {
  const { election } = await twoCandidates();
  await election.pass(120);
  assert.deepEqual(election.told, ['0 a metric 1', '0 a leads']);
  const { holderIdentity, leaseTransitions, leaseDurationSeconds } = await election.spec();
  assert.deepEqual([holderIdentity, leaseTransitions, leaseDurationSeconds], ['a', 0, 15]);
  await election.stop();
});

test('the lease has times of six digits, and a renewal changes renewTime alone', async () => {
  const { election } = await twoCandidates();
  const { renewTime: before, ...same } = await election.spec();
  await election.pass(2);
  const { renewTime: later, ...still } = await election.spec();
  assert.match(later ?? '', /^1970-01-01T00:00:\d\d\.\d{6}Z$/);
  assert.deepEqual(still, same);
  assert.notEqual(later, before);
  await election.stop();
});

test('when the leader dies, the other one leads after its lease has run out, and counts the transition', async () => {
  const { election, a } = await twoCandidates();
  a.isFrozen = true;
  await election.pass(duration - 2.1);
  assert.deepEqual(election.leaders, ['a']);
  await election.pass(2.1 + retry);
  assert.ok(
    election.at('b leads') >= 4 + duration,
    'not before the lease that was renewed at 4 s has run out',
  );
  const { holderIdentity, leaseTransitions, acquireTime, renewTime } = await election.spec();
  assert.deepEqual([holderIdentity, leaseTransitions], ['b', 1]);
  assert.ok((acquireTime ?? '') > '1970-01-01T00:00:15' && (renewTime ?? '') >= (acquireTime ?? ''));
  await election.stop();
});

for (const connection of ['refused', 'silent'] as const) {
  test(`a leader whose calls are ${connection} ends before another one leads, and follows when they are answered again`, async () => {
    const { election, a } = await twoCandidates();
    a.connection = connection;
    await election.pass(30);
    assert.ok(election.at('a ends') <= 4 + deadline, 'ten seconds after its last renewal');
    assert.equal(election.at('a metric 0'), election.at('a ends'));
    assert.ok(election.at('b leads') >= 4 + duration);
    assert.deepEqual([election.leaders, election.mostLeaders], [['b'], 1]);
    a.connection = 'up';
    await election.pass(60);
    assert.deepEqual(election.leaders, ['b']);
    await election.stop();
  });
}

test('a leader that loses the API for a short time leads on', async () => {
  const { election, a } = await twoCandidates();
  a.connection = 'refused';
  await election.pass(deadline - 4);
  a.connection = 'up';
  await election.pass(60);
  assert.deepEqual(election.told, ['0 a metric 1', '0 a leads']);
  await election.stop();
});

test('a leader whose machine stood still ends before it does anything else', async () => {
  const { election, a } = await twoCandidates();
  a.isFrozen = true;
  await election.pass(deadline + 1);
  const updates = election.kube.count('update', 'leases');
  // Its clock went on, its timers did not.
  const monotonic = a.clock.monotonic.bind(a.clock);
  a.clock.monotonic = () => monotonic() + (deadline + 1) * 1000;
  a.isFrozen = false;
  await election.pass(2);
  assert.equal(a.leads, false);
  assert.equal(election.kube.count('update', 'leases'), updates);
  await election.stop();
});

test('a leader that is stopped hands over with the next try of the other one', async () => {
  const { election, a } = await twoCandidates();
  await a.stop();
  assert.equal((await election.spec()).holderIdentity, '');
  await election.pass(retry + 0.1);
  assert.deepEqual(election.leaders, ['b']);
  assert.equal((await election.spec()).leaseTransitions, 1);
  await election.stop();
});

test('the lease is renewed until the work has ended, and then given up', async () => {
  const { election, a } = await twoCandidates();
  const ending = Promise.withResolvers<void>();
  a.ending = ending.promise;
  a.leave();
  await turns();
  await election.pass(40);
  assert.deepEqual(election.told, ['0 a metric 1', '0 a leads', '5 a ends']);
  assert.equal((await election.spec()).holderIdentity, 'a');
  ending.resolve();
  await turns();
  assert.equal((await election.spec()).holderIdentity, '');
  await election.stop();
});

test('a leader that lost its lease does not compete again before its work has ended', async () => {
  const election = new Election();
  const a = election.candidate('a');
  const ending = Promise.withResolvers<void>();
  a.ending = ending.promise;
  await election.pass(1);
  a.connection = 'refused';
  await election.pass(deadline);
  a.connection = 'up';
  await election.pass(30);
  const leads = () => election.told.filter((text) => text.endsWith('a leads')).length;
  assert.equal(leads(), 1);
  ending.resolve();
  await election.pass(retry + 0.1);
  assert.equal(leads(), 2);
  await election.stop();
});

test('a candidate that is stopped while it takes the lease gives it up again', async () => {
  const election = new Election();
  const answer = Promise.withResolvers<void>();
  const a = election.candidate('a');
  // The write reaches the server, and its answer comes too late.
  const create = election.kube.create.bind(election.kube);
  election.kube.create = async (...given) => {
    const made = await create(given[0], given[1]);
    await answer.promise;
    return made as never;
  };
  await turns();
  await a.stop();
  assert.deepEqual([election.told, (await election.spec()).holderIdentity], [[], '']);
  answer.resolve();
  await election.stop();
});

test('candidates whose clocks are a day ahead or behind take no lease that is renewed, and one of them a lease that is not', async () => {
  const election = new Election();
  const dayMs = 86_400_000;
  const a = election.candidate('a', 10 * dayMs);
  await turns();
  election.candidate('b', 11 * dayMs);
  election.candidate('c', 9 * dayMs);
  await election.pass(60);
  assert.deepEqual(election.leaders, ['a']);
  a.isFrozen = true;
  await election.pass(duration - 2.1);
  assert.deepEqual(election.leaders, ['a']);
  await election.pass(2.1 + retry);
  assert.equal(election.told.filter((text) => /[bc] leads$/.test(text)).length, 1);
  await election.stop();
});

test('a lease that is deleted by hand is made again by its leader, and nobody else takes it meanwhile', async () => {
  const { election } = await twoCandidates();
  // The other candidate comes before the leader.
  await election.pass(1.1);
  await election.kube.delete(resources.leases, lease);
  await election.pass(30);
  assert.deepEqual([election.leaders, election.mostLeaders], [['a'], 1]);
  assert.deepEqual(election.told, ['0 a metric 1', '0 a leads']);
  assert.equal((await election.spec()).leaseTransitions, 0);
  await election.stop();
});

test('after the lease of a dead leader is deleted by hand, another one makes it and counts on', async () => {
  const { election, a } = await twoCandidates();
  a.isFrozen = true;
  await election.kube.delete(resources.leases, lease);
  await election.pass(duration + retry);
  assert.equal((await election.spec()).holderIdentity, 'b');
  assert.equal((await election.spec()).leaseTransitions, 1);
  await election.stop();
});

test('a leader ends when somebody gives its lease to another one', async () => {
  const { election, a } = await twoCandidates();
  await election.kube.patch(resources.leases, lease, {
    type: 'merge',
    body: { spec: { holderIdentity: 'b' } },
  });
  await election.pass(2);
  assert.equal(a.leads, false);
  await election.pass(retry);
  assert.deepEqual([election.leaders, election.mostLeaders], [['b'], 1]);
  await election.stop();
});

test('an edit of the lease is no loss, and labels and fields of others stay', async () => {
  const { election } = await twoCandidates();
  const body = { metadata: { labels: { team: 'x' } }, spec: { preferredHolder: 'c' } };
  await election.kube.patch(resources.leases, lease, { type: 'merge', body });
  await election.pass(2);
  assert.match((await election.spec()).renewTime ?? '', /00:06\.\d+Z$/, 'renewed by the same try');
  await election.pass(30);
  assert.deepEqual(election.told, ['0 a metric 1', '0 a leads']);
  const { metadata, spec } = await election.kube.get(resources.leases, lease);
  assert.deepEqual(
    [metadata.labels, (spec as { preferredHolder?: string }).preferredHolder],
    [body.metadata.labels, 'c'],
  );
  await election.stop();
});

test('work that fails gives the lease up, is logged, and gets another try after a wait', async () => {
  const election = new Election();
  let tries = 0;
  const lead = () => {
    tries += 1;
    return Promise.reject(new TypeError('a bug'));
  };
  const a = election.candidate('a', 0, { lead });
  await turns();
  assert.deepEqual([tries, (await election.spec()).holderIdentity], [1, '']);
  await election.pass(retry - 0.2);
  assert.equal(tries, 1);
  await election.pass(0.3);
  assert.equal(tries, 2);
  assert.match(String((a.lines[0]?.err as Error | undefined)?.stack), /TypeError: a bug/);
  await election.stop();
});

test('times that leave a leader no time to renew are refused with field and value', () => {
  const times = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000 };
  const cases: [object, RegExp][] = [
    [{ times: { ...times, retryPeriodMs: 0 } }, /^retryPeriodMs: 0 must be greater than 0/],
    [
      { times: { ...times, renewDeadlineMs: 2400 } },
      /^renewDeadlineMs: 2400 must be greater than 1\.2 × retryPeriodMs/,
    ],
    [
      { times: { ...times, leaseDurationMs: 10_000 } },
      /^leaseDurationMs: 10000 must be greater than renewDeadlineMs/,
    ],
    [{ identity: '' }, /^identity: "" must not be empty/],
  ];
  const client = new FakeKube();
  const lead = () => Promise.resolve();
  for (const [change, message] of cases) {
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    const options = { client, clock: new FakeClock(), log, lease, identity: 'a', lead, ...change };
    assert.throws(() => new LeaderElection(options), { code: 'INPUT_INVALID', message });
  }
});
