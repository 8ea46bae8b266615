// Group commit of one pool: which requests share a write, and what they get when writes conflict, fail or come late.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ResourceType, resources, type SpiderIPPool } from '#api';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { formatAddress } from '#ip';
import { type FakeCall, FakeKube } from '#kube/testing';
import { type PickContext, type PoolOperation, type PoolOutcome, reservedAddresses } from '#plan/ipam';
import { PoolCommitter } from './pool-committer.ts';
import { PoolCopy } from './pool-copy.ts';

const lives = new AbortController().signal;

const allocate = (podUid: string, nic = 'eth0'): PoolOperation => ({
  verb: 'allocate',
  owner: { pod: `default/${podUid}`, podUid, nic },
});
const release = (podUid: string): PoolOperation => ({ verb: 'release', release: { scope: 'pod', podUid } });

/** Lets everything run that does not wait for the clock or for a held call. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

const isWrite = ({ verb }: FakeCall) => verb === 'updateStatus';

/** A server whose answer to a write can get lost after the write was accepted. */
class ForgetfulKube extends FakeKube {
  losesAnswers = false;

  override async updateStatus<T extends SpiderIPPool>(type: ResourceType<T>, object: T): Promise<T> {
    const stored = await super.updateStatus(type, object);
    if (this.losesAnswers) throw new OrbError('KUBE_UNREACHABLE', { message: 'connection reset' });
    return stored;
  }
}

/** A pool with the addresses 10.6.1.1 to 10.6.1.`size`, and its committer. */
async function scene(size = 20, context?: () => PickContext) {
  const kube = new ForgetfulKube();
  const ips = [`10.6.1.1-10.6.1.${size}`];
  const spec = { subnet: '10.6.0.0/16', ips, default: false, disable: false };
  await kube.create(resources.spiderIPPools, { metadata: { name: 'p' }, spec });
  const clock = new FakeClock();
  const copy = new PoolCopy(
    'p',
    kube,
    () => undefined,
    () => {},
    clock,
  );
  const writes: number[] = [];
  const conflicts: string[] = [];
  const metrics = {
    wrote: (operations: number) => void writes.push(operations),
    conflicted: (verb: string) => void conflicts.push(verb),
  };
  const nothingReserved = () => ({
    reserved: reservedAddresses([]),
    resting: new Map(),
    nowMs: clock.monotonic(),
  });
  const committer = new PoolCommitter({
    ...{ copy, clock, metrics, log: silentLogger, context: context ?? nothingReserved },
  });
  const submit = async (operation: PoolOperation, signal = lives) =>
    textOf(await committer.submit(operation, signal));
  /** Another agent writes these records. */
  const others = async (records: Readonly<Record<string, string>>) => {
    const object = await kube.get(resources.spiderIPPools, { name: 'p' });
    const allocated = Object.entries(records).map(([address, podUid]) => [
      address,
      { pod: `default/${podUid}`, podUid, nic: 'eth0' },
    ]);
    const status = { ...object.status, allocatedIPs: JSON.stringify(Object.fromEntries(allocated)) };
    await kube.updateStatus(resources.spiderIPPools, { ...object, status });
  };
  /** The address of each pod, as the server has it. */
  const held = async () => {
    const { status } = await kube.get(resources.spiderIPPools, { name: 'p' });
    const records = JSON.parse(status?.allocatedIPs ?? '{}') as Record<string, { podUid: string }>;
    return Object.fromEntries(Object.entries(records).map(([address, { podUid }]) => [podUid, address]));
  };
  return { kube, clock, copy, committer, submit, others, held, writes, conflicts };
}

function textOf(outcome: PoolOutcome): string {
  if (outcome.verb === 'allocated') return formatAddress(outcome.address);
  return outcome.verb === 'refused' ? outcome.reason : outcome.addresses.map(formatAddress).join(' ');
}

/** Holds the next write until the returned function is called. */
function holdWrite(kube: FakeKube): () => void {
  const hold = Promise.withResolvers<void>();
  kube.before = async (call) => {
    if (!isWrite(call)) return;
    kube.before = () => {};
    await hold.promise;
  };
  return () => hold.resolve();
}

test('requests of one turn share one write, and addresses go to them in their order', async () => {
  const { submit, writes } = await scene();
  const given = await Promise.all(['a', 'b', 'c'].map((uid) => submit(allocate(uid))));
  assert.deepEqual(given, ['10.6.1.1', '10.6.1.2', '10.6.1.3']);
  assert.deepEqual(writes, [3]);
});

test('requests that arrive during a write share the next one, which waits a moment for more', async () => {
  const { kube, clock, submit, writes } = await scene();
  const finish = holdWrite(kube);
  const first = submit(allocate('a'));
  await settle();
  const others = [submit(allocate('b')), submit(allocate('c'))];
  finish();
  assert.equal(await first, '10.6.1.1');
  await settle();
  assert.deepEqual(writes, [1], 'the second write waits');
  await clock.advance(30);
  assert.deepEqual(await Promise.all(others), ['10.6.1.2', '10.6.1.3']);
  assert.deepEqual(writes, [1, 2]);
});

test('after a long write, the next one waits for the requests that its answers make, but no longer than the gap', async () => {
  const { kube, clock, submit, writes } = await scene();
  const finish = holdWrite(kube);
  const first = submit(allocate('a'));
  await settle();
  const early = submit(allocate('b'));
  await clock.advance(40);
  finish();
  await first;
  await settle();
  const late = submit(allocate('c'));
  await clock.advance(29);
  assert.deepEqual(writes, [1], 'the second write waits');
  await clock.advance(1);
  await Promise.all([early, late]);
  assert.deepEqual(writes, [1, 2]);
});

test('a request does not wait for a gap before there was a write', async () => {
  const { kube, submit, writes } = await scene();
  const hold = Promise.withResolvers<void>();
  kube.before = async () => {
    kube.before = () => {};
    await hold.promise;
  };
  const first = submit(allocate('a'));
  await settle();
  const second = submit(allocate('b'));
  hold.reject(new OrbError('KUBE_UNREACHABLE', { message: 'no route to host' }));
  await assert.rejects(first, { code: 'KUBE_UNREACHABLE' });
  assert.equal(await second, '10.6.1.1');
  assert.deepEqual(writes, [1]);
});

test('eight waiting requests are written without waiting for more', async () => {
  const { kube, submit, writes } = await scene();
  const finish = holdWrite(kube);
  const first = submit(allocate('a'));
  await settle();
  const early = submit(allocate('b'));
  finish();
  await first;
  await settle();
  const others = Array.from({ length: 7 }, (_, i) => submit(allocate(`c${i}`)));
  await Promise.all([early, ...others]);
  assert.deepEqual(writes, [1, 8]);
});

test('a request that is alone never waits, although the last write was a moment ago', async () => {
  const { submit, writes } = await scene();
  assert.equal(await submit(allocate('a')), '10.6.1.1');
  assert.equal(await submit(allocate('b')), '10.6.1.2');
  assert.deepEqual(writes, [1, 1]);
});

test('after a conflict all requests are decided again on what the server has', async () => {
  const { kube, clock, submit, others, held, writes, conflicts } = await scene();
  kube.before = async (call) => {
    if (!isWrite(call)) return;
    kube.before = () => {};
    await others({ '10.6.1.1': 'stranger' });
  };
  const given = Promise.all([submit(allocate('a')), submit(release('nobody'))]);
  await settle();
  assert.deepEqual(conflicts, ['allocation']);
  await clock.advance(4);
  assert.deepEqual(await given, ['10.6.1.2', '']);
  assert.deepEqual(await held(), { stranger: '10.6.1.1', a: '10.6.1.2' });
  assert.deepEqual(writes, [2]);
});

test('a request that arrives between two tries joins the second, and a conflict of releases counts as one', async () => {
  const { kube, clock, submit, others, held, writes, conflicts } = await scene();
  await submit(allocate('a'));
  kube.before = async (call) => {
    if (!isWrite(call)) return;
    kube.before = () => {};
    await others({ '10.6.1.1': 'a', '10.6.1.2': 'stranger' });
  };
  const released = submit(release('a'));
  await settle();
  assert.deepEqual(conflicts, ['release']);
  const joined = submit(allocate('b'));
  await clock.advance(4);
  // The address that this write releases rests.
  assert.deepEqual(await Promise.all([released, joined]), ['10.6.1.1', '10.6.1.3']);
  assert.deepEqual(await held(), { stranger: '10.6.1.2', b: '10.6.1.3' });
  assert.deepEqual(writes, [1, 2]);
});

test('a full pool is refused only after a read, because another agent may have released an address', async () => {
  const { submit, others, held } = await scene(1);
  assert.equal(await submit(allocate('a')), '10.6.1.1');
  assert.equal(await submit(allocate('b')), 'all IP addresses used out');
  await others({});
  assert.equal(await submit(allocate('b')), '10.6.1.1');
  assert.deepEqual(await held(), { b: '10.6.1.1' });
});

test('a failed write fails its requests, and the next request is served', async () => {
  const { kube, submit, held } = await scene();
  kube.before = (call) => {
    if (!isWrite(call)) return;
    kube.before = () => {};
    throw new OrbError('KUBE_UNREACHABLE', { message: 'connection refused' });
  };
  const failed = await Promise.allSettled([submit(allocate('a')), submit(allocate('b'))]);
  assert.deepEqual(
    failed.map((one) => one.status === 'rejected' && (one.reason as OrbError).code),
    ['KUBE_UNREACHABLE', 'KUBE_UNREACHABLE'],
  );
  assert.deepEqual(await held(), {});
  assert.equal(await submit(allocate('c')), '10.6.1.1');
});

test('when the answer to an accepted write is lost, the repeat gets the same address', async () => {
  const { kube, committer, copy, submit } = await scene();
  kube.losesAnswers = true;
  await assert.rejects(submit(allocate('a')), { code: 'KUBE_UNREACHABLE' });
  kube.losesAnswers = false;
  assert.equal(copy.doubtful, false);
  assert.equal(copy.ledger.records.size, 1, 'a read told what the server had accepted');
  const repeated = await committer.submit(allocate('a'), lives);
  assert.deepEqual([textOf(repeated), repeated.verb === 'allocated' && repeated.held], ['10.6.1.1', true]);
});

test('while the server cannot be read after a failed write, its records are in doubt', async () => {
  const { kube, copy, submit } = await scene();
  await submit(allocate('a'));
  kube.before = () => {
    throw new OrbError('KUBE_UNREACHABLE', { message: 'connection refused' });
  };
  await assert.rejects(submit(allocate('b')), { code: 'KUBE_UNREACHABLE' });
  assert.equal(copy.doubtful, true);
  kube.before = () => {};
  assert.equal(await submit(release('b')), '', 'the server says that it holds nothing for b');
  assert.equal(copy.doubtful, false);
});

test('a deleted pool fails its requests', async () => {
  const { kube, submit } = await scene();
  await submit(allocate('a'));
  await kube.delete(resources.spiderIPPools, { name: 'p' });
  await assert.rejects(submit(allocate('b')), { code: 'IPPOOL_NOT_FOUND' });
  await assert.rejects(submit(release('a')), { code: 'IPPOOL_NOT_FOUND' });
});

test('without the reserved addresses nothing is allocated, but a release is done', async () => {
  let readable = true;
  const { submit, held } = await scene(20, () => {
    if (!readable) throw new OrbError('IPPOOL_INVALID', { message: 'SpiderReservedIP r: not readable' });
    return { reserved: reservedAddresses([]), resting: new Map(), nowMs: 0 };
  });
  await submit(allocate('a'));
  readable = false;
  const released = submit(release('a'));
  await assert.rejects(submit(allocate('b')), { code: 'IPPOOL_INVALID' });
  assert.equal(await released, '10.6.1.1');
  assert.deepEqual(await held(), {});
});

test('a request that ends before its write is left out of it', async () => {
  const { kube, clock, submit, held, writes } = await scene();
  const finish = holdWrite(kube);
  const first = submit(allocate('a'));
  await settle();
  const leaving = new AbortController();
  const left = submit(allocate('b'), leaving.signal);
  const stays = submit(allocate('c'));
  leaving.abort(new Error('the caller is gone'));
  await assert.rejects(left, /the caller is gone/);
  finish();
  await first;
  await settle();
  await clock.advance(30);
  assert.equal(await stays, '10.6.1.2');
  assert.deepEqual(await held(), { a: '10.6.1.1', c: '10.6.1.2' });
  assert.deepEqual(writes, [1, 1]);
  assert.throws(() => leaving.signal.throwIfAborted());
  await assert.rejects(submit(allocate('d'), leaving.signal), /the caller is gone/);
});

test('an address that was written for a request that had ended is given back', async () => {
  const { kube, clock, submit, held } = await scene();
  const finish = holdWrite(kube);
  const leaving = new AbortController();
  const left = submit(allocate('a'), leaving.signal);
  await settle();
  leaving.abort(new Error('too late'));
  await assert.rejects(left, /too late/);
  finish();
  await settle();
  await clock.advance(30);
  await settle();
  assert.deepEqual(await held(), {});
});

test('an address that the pod held before stays, although its new request ended', async () => {
  const { kube, clock, submit, held } = await scene();
  await submit(allocate('a'));
  const finish = holdWrite(kube);
  const leaving = new AbortController();
  const left = submit(allocate('a'), leaving.signal);
  const other = submit(allocate('b'));
  await settle();
  leaving.abort(new Error('too late'));
  await assert.rejects(left, /too late/);
  finish();
  await other;
  await settle();
  await clock.advance(30);
  await settle();
  assert.deepEqual(await held(), { a: '10.6.1.1', b: '10.6.1.2' });
});
