// What an agent knows of a pool whose records other programs write.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpiderIPPool } from '#api';
import { systemClock } from '#base';
import { parseAddress } from '#ip';
import type { KubeClient } from '#kube';
import { PoolCopy } from './pool-copy.ts';

/** A pool with two addresses in the version; the pods hold the first of them. */
function version(resourceVersion: number, ...podUids: readonly string[]): SpiderIPPool {
  const records = podUids.map((podUid, index) => [`10.6.0.${10 + index}`, { pod: `ns/${podUid}`, podUid }]);
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name: 'p', resourceVersion: `${resourceVersion}` },
    spec: { subnet: '10.6.0.0/24', ips: ['10.6.0.10-10.6.0.11'], default: false, disable: false },
    status: { allocatedIPs: JSON.stringify(Object.fromEntries(records)) },
  };
}

function copyOf(watch: { shows?: SpiderIPPool }): PoolCopy {
  return new PoolCopy(
    'p',
    {} as KubeClient,
    () => watch.shows,
    () => {},
    systemClock,
  );
}

test('a pool may name a pod that the watch shows, also when older records are known', () => {
  const watch: { shows?: SpiderIPPool } = {};
  const copy = copyOf(watch);
  assert.equal(copy.mayName('uid-a'), false);
  watch.shows = version(1, 'uid-a');
  assert.equal(copy.mayName('uid-a'), true);
  assert.equal(copy.mayName('uid-b'), false);
  assert.equal(copy.newestLedger.addressesOf('uid-a').length, 1);
  watch.shows = version(2, 'uid-b');
  assert.equal(copy.mayName('uid-a'), false);
  assert.equal(copy.mayName('uid-b'), true);
});

test('a pool may name a pod that got an address from another program, before the watch shows it', () => {
  const watch = { shows: version(1) };
  const copy = copyOf(watch);
  const owner = { pod: 'ns/uid-a', podUid: 'uid-a', nic: 'eth0' };
  const outcome = { verb: 'allocated', address: parseAddress('10.6.0.10'), held: false } as const;
  copy.learn({ verb: 'allocate', owner }, outcome, '2');
  assert.equal(copy.mayName('uid-a'), true);
  assert.equal(copy.ledger.addressesOf('uid-a').length, 1);
  watch.shows = version(2, 'uid-a');
  assert.equal(copy.mayName('uid-b'), false);
  assert.equal(copy.mayName('uid-a'), true);
  assert.equal(copy.ledger.addressesOf('uid-a').length, 1);
});
