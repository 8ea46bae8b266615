// Counts in the status of pools and subnets that somebody else wrote wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { resources, SPIDERPOOL_FINALIZER, type SpiderIPPool } from '#api';
import { TestCluster } from '#reconcile/testing';
import { addressKinds } from '../kinds.ts';
import { RecordChecks } from '../record-checks.ts';
import { poolController } from './pools.ts';
import { Stage } from './subnet-fixture.ts';

const record = (pod: string) => ({ pod: `default/${pod}`, podUid: pod });
const two = JSON.stringify({ '10.6.0.1': record('a'), '10.6.0.2': record('b') });

/** A pool of nine addresses with a status, and the counts that the controller writes. */
function scene() {
  const cluster = new TestCluster(addressKinds);
  const controller = poolController(new RecordChecks());
  const put = (status: SpiderIPPool['status']) =>
    cluster.put('pools', {
      metadata: { name: 'p', uid: 'p', finalizers: [SPIDERPOOL_FINALIZER], resourceVersion: '7' },
      spec: { subnet: '10.6.0.0/16', ips: ['10.6.0.1-10.6.0.9'], default: false, disable: false },
      status: { totalIPCount: 9, ...status },
    });
  const plan = async (at: string) => {
    const planned = await controller.plan('default/p', cluster.state, at, new AbortController().signal);
    const { actions, againAfterMs } =
      'actions' in planned ? planned : { actions: planned, againAfterMs: undefined };
    const written = actions.map((action) => (action.verb === 'patch' ? action.body : action));
    return { written, againAfterMs };
  };
  return { put, plan };
}

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`;
const counted = (allocatedIPCount: number) => [
  { metadata: { resourceVersion: '7' }, status: { totalIPCount: 9, allocatedIPCount } },
];

test('a count that differs from the records is corrected, over the state that was seen', async () => {
  const { put, plan } = scene();
  put({ allocatedIPs: two, allocatedIPCount: 2 });
  assert.deepEqual(await plan(at(0)), { written: [], againAfterMs: undefined });
  for (const wrong of [7, 0, undefined]) {
    put({ allocatedIPs: two, ...(wrong !== undefined && { allocatedIPCount: wrong }) });
    assert.deepEqual((await plan(at(1))).written, counted(2), String(wrong));
  }
  put({ allocatedIPCount: 5 });
  assert.deepEqual((await plan(at(20))).written, counted(0), 'no records');
});

test('records that change all the time are counted every ten seconds', async () => {
  const { put, plan } = scene();
  put({ allocatedIPs: two, allocatedIPCount: 2 });
  await plan(at(0));
  put({ allocatedIPs: JSON.stringify({ '10.6.0.1': record('a') }), allocatedIPCount: 4 });
  assert.deepEqual(await plan(at(3)), { written: [], againAfterMs: 10_000 });
  assert.deepEqual((await plan(at(13))).written, counted(1));
});

test('records that cannot be read leave the count as it is', async () => {
  const { put, plan } = scene();
  for (const [second, allocatedIPs] of ['{', '[]', '{"10.6.0.1":7}', '{"fd00::1":{}}', 'null'].entries()) {
    put({ allocatedIPs, allocatedIPCount: 7 });
    assert.deepEqual((await plan(at(second * 11))).written, [], allocatedIPs);
  }
});

test('a wrong count of a subnet is corrected, and one whose bookings cannot be read is left alone', async () => {
  const stage = new Stage();
  await stage.subnet('s');
  await stage.start();
  try {
    await stage.until(() => stage.sizes(), 'none; 0 of 10');
    const write = (status: object) =>
      stage.kube.patch(
        resources.spiderSubnets,
        { name: 's' },
        { type: 'merge', body: { status }, subresource: 'status' },
      );
    await write({ allocatedIPCount: 6 });
    await stage.until(() => stage.sizes(), 'none; 0 of 10');
    await write({ controlledIPPools: '{', allocatedIPCount: 6 });
    const calls = () =>
      stage.kube.count('updateStatus', 'spidersubnets') + stage.kube.count('list', 'spiderippools');
    await sleep(50);
    const before = calls();
    await sleep(300);
    assert.ok(calls() <= before + 1, 'it is not tried again and again');
    assert.equal(await stage.sizes(), 'none; 6 of 10');
    await write({ controlledIPPools: '{}' });
    await stage.until(() => stage.sizes(), 'none; 0 of 10');
  } finally {
    await stage.stop();
  }
});
