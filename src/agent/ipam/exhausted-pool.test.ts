// What an exhausted pool costs the cluster while runtimes repeat their ADDs for ever, and how soon a free address is used.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { resources } from '#api';
import { FakeClock } from '#base/testing';
import type { FakeKube } from '#kube/testing';
import type { Allocator } from './allocator.ts';
import { add, agent, cluster, del, pod, records, stopAgents, texts } from './allocator-fixture.ts';

afterEach(stopAgents);

const turns = async (count = 30) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const EXHAUSTED = { code: 'IPPOOL_EXHAUSTED' };

/** One address, which `holder` has; `waiter` was refused. */
async function fullPool(clock = new FakeClock()) {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] } });
  const allocator = await agent(kube, { clock });
  const holderUid = (await pod(kube, 'holder')).metadata.uid ?? '';
  const waiterUid = (await pod(kube, 'waiter')).metadata.uid ?? '';
  await allocator.allocate(add('holder'));
  await allocator.settled();
  await assert.rejects(allocator.allocate(add('waiter')), EXHAUSTED);
  await turns();
  return { kube, allocator, clock, holderUid, waiterUid };
}

/** A repeat of the ADD, as the agent serves it. */
async function repeat(allocator: Allocator, podName: string): Promise<string[]> {
  const request = add(podName);
  await allocator.refused.untilWorthwhile({ namespace: 'default', name: podName }, request.signal);
  return texts(await allocator.allocate(request));
}

/** Passes time in small steps, and lets the watches show what happened. */
async function pass(clock: FakeClock, ms: number, stepMs = 50): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await clock.advance(stepMs);
    await turns();
  }
}

test('a hundred refused ADDs and their DELs cost the API server no request at all', async () => {
  const { kube, allocator, waiterUid } = await fullPool();
  const before = kube.calls.length;
  for (let tries = 0; tries < 100; tries++) {
    await assert.rejects(allocator.allocate(add('waiter')), EXHAUSTED);
    await allocator.release({ ...del('waiter', waiterUid), held: [] });
  }
  await allocator.settled();
  await turns();
  assert.deepEqual(kube.calls.slice(before), []);
});

test('the first ADD is refused without waiting, and a repeat gets an address within a second after one is free', async () => {
  const { kube, allocator, clock, holderUid } = await fullPool();
  const repeated = repeat(allocator, 'waiter');
  const before = kube.calls.length;
  await pass(clock, 20_000, 500);
  assert.deepEqual(kube.calls.slice(before), []);
  await allocator.release(del('holder', holderUid));
  await pass(clock, 1000);
  assert.deepEqual(await repeated, ['eth0 10.6.1.1/16']);
});

test('a repeat is refused when nothing was free for 45 seconds', async () => {
  const { allocator, clock } = await fullPool();
  const outcome = assert.rejects(repeat(allocator, 'waiter'), EXHAUSTED);
  await pass(clock, 47_000, 500);
  await outcome;
});

test('addresses that are added to the pool are seen by a waiting repeat', async () => {
  const { kube, allocator, clock } = await fullPool();
  const repeated = repeat(allocator, 'waiter');
  const body = { spec: { ips: ['10.6.1.1-10.6.1.2'] } };
  await kube.patch(resources.spiderIPPools, { name: 'v4' }, { type: 'merge', body });
  await pass(clock, 1000);
  assert.deepEqual(await repeated, ['eth0 10.6.1.2/16']);
});

test('a waiting repeat ends when its pod is being deleted, and when its caller leaves', async () => {
  const { kube, allocator, clock } = await fullPool();
  const repeated = assert.rejects(repeat(allocator, 'waiter'), { code: 'POD_DEAD' });
  const body = { metadata: { finalizers: ['example.com/hold'] } };
  const ref = { namespace: 'default', name: 'waiter' };
  await kube.patch(resources.pods, ref, { type: 'merge', body });
  await kube.delete(resources.pods, ref);
  await pass(clock, 1000);
  await repeated;
  const { allocator: other } = await fullPool();
  const gone = new AbortController();
  const left = other.refused.untilWorthwhile(ref, gone.signal);
  gone.abort(new Error('the caller has left'));
  await assert.rejects(left, /the caller has left/);
});

test('an agent that stops lets no repeat wait', async () => {
  const { allocator } = await fullPool();
  const repeated = assert.rejects(repeat(allocator, 'waiter'), EXHAUSTED);
  await turns();
  allocator.refused.stop();
  await repeated;
});

test('of thirty agents that wait for one address, few write when it is free', async () => {
  const clock = new FakeClock();
  const { kube, allocator, holderUid } = await fullPool(clock);
  const agents = await Promise.all(Array.from({ length: 30 }, () => agent(kube, { clock })));
  const repeats: Promise<unknown>[] = [];
  for (const [index, one] of agents.entries()) {
    await pod(kube, `waiter-${index}`);
    await turns();
    await assert.rejects(one.allocate(add(`waiter-${index}`)), EXHAUSTED);
    repeats.push(repeat(one, `waiter-${index}`).catch(() => undefined));
  }
  await turns();
  await pass(clock, 3000, 10);
  await allocator.release(del('holder', holderUid));
  const writes = writesOf(kube);
  await pass(clock, 2000, 10);
  assert.equal(Object.keys(await records(kube)).length, 1);
  const tried = writesOf(kube) - writes;
  assert.ok(tried <= 5, `${tried} writes for one address`);
  await pass(clock, 60_000, 500);
  await Promise.all(repeats);
});

function writesOf(kube: FakeKube): number {
  return kube.count('updateStatus', 'spiderippools');
}
