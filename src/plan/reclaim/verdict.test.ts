// The rows of Spiderpool's scan of all pools, in its order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReclaimFacts, ReclaimSettings } from './index.ts';
import {
  at,
  endpointOf,
  factsOf,
  NOW_MS,
  podOf,
  present,
  scaledDown,
  statefulSet,
  told,
  verdictOf,
} from './reclaim-fixture.ts';

type Facts = Partial<ReclaimFacts>;

const gone = { state: 'absent', sinceMs: NOW_MS } as const;
const noEndpoint = { state: 'absent' } as const;
const pod = (fields: Parameters<typeof podOf>[0]) => present(podOf(fields));
/** Deletion that was due some seconds ago; negative for later. */
const deleted = (secondsAgo: number) => ({ metadata: { deletionTimestamp: at(-secondsAgo) } });
const finishedJob = {
  phase: 'Succeeded',
  spec: { containers: [], terminationGracePeriodSeconds: 10 },
  status: {
    containerStatuses: [
      {
        name: 'c',
        ready: false,
        restartCount: 0,
        image: 'i',
        imageID: 'i',
        state: { terminated: { exitCode: 0, finishedAt: at(-4) } },
      },
    ],
  },
} as const;
const withoutUidOf = { holder: gone, endpoint: present(endpointOf('u2')) };

const rows: [name: string, facts: Facts, verdict: string, settings?: Partial<ReclaimSettings>][] = [
  ['no pod and no endpoint: the address is freed', { holder: gone, endpoint: noEndpoint }, 'free'],
  ['no pod, but its ordinal exists: the fixed address is kept', { holder: gone, owner: statefulSet }, 'keep'],
  [
    'no pod, and its ordinal is scaled away: both are freed',
    { holder: gone, owner: scaledDown },
    'free with endpoint',
  ],
  ['no pod of a Deployment: both are freed', { holder: gone }, 'free with endpoint'],
  ['the pod cannot be read: nothing happens', { holder: { state: 'unreadable', said: '500' } }, 'keep'],
  [
    'the endpoint cannot be read: nothing happens',
    { endpoint: { state: 'unreadable', said: '500' } },
    'keep',
  ],
  [
    'the node cannot be read: nothing happens',
    { node: { name: 'n', state: 'unreadable', said: '500' } },
    'keep',
  ],
  ['the controller cannot be read: nothing happens', { owner: { kind: 'unreadable', said: '500' } }, 'keep'],
  [
    'a finished pod keeps its fixed address',
    { holder: pod({ phase: 'Failed' }), owner: statefulSet },
    'keep',
  ],
  [
    'a finished pod whose ordinal is scaled away gives its address back',
    { holder: pod(finishedJob), owner: scaledDown, nowMs: NOW_MS + 6_000 },
    'free with endpoint',
    { endedPodsOnReadyNodes: false },
  ],
  [
    'a finished pod that is being deleted is judged as one that is being deleted',
    { holder: pod({ ...finishedJob, ...deleted(-20) }) },
    'wait 20',
  ],
  ['a finished Job waits for its grace period', { holder: pod(finishedJob) }, 'wait 6'],
  [
    'a finished Job gives its address back after its grace period',
    { holder: pod(finishedJob), nowMs: NOW_MS + 6_000 },
    'free with endpoint',
  ],
  [
    'a finished Job on a ready node keeps its address if that is switched off',
    { holder: pod(finishedJob), nowMs: NOW_MS + 6_000 },
    'keep',
    { endedPodsOnReadyNodes: false },
  ],
  [
    'a pod that is starting keeps its address',
    { holder: pod({ phase: 'Pending', address: false }) },
    'keep',
    { runningPodsWithoutAddress: true },
  ],
  [
    'a pod that is being deleted while it starts keeps its address',
    { holder: pod({ phase: 'Pending', ...deleted(99) }) },
    'keep',
  ],
  [
    'a fixed address outlives the deletion of its pod',
    { holder: pod(deleted(99)), owner: statefulSet },
    'keep',
  ],
  ['a deletion that is overdue frees the address', { holder: pod(deleted(1)) }, 'free with endpoint'],
  [
    'an overdue deletion on a ready node keeps the address if that is switched off',
    { holder: pod(deleted(1)) },
    'keep',
    { endedPodsOnReadyNodes: false },
  ],
  [
    'an overdue deletion on a node that is not ready frees the address',
    { holder: pod(deleted(1)), node: { name: 'node1', state: 'notReady' } },
    'free with endpoint',
  ],
  [
    'an overdue deletion on a node that is not ready keeps the address if that is switched off',
    { holder: pod(deleted(1)), node: { name: 'node1', state: 'notReady' } },
    'keep',
    { endedPodsOnNotReadyNodes: false },
  ],
  ['a deletion that is not overdue is waited for', { holder: pod(deleted(-25)) }, 'wait 25'],
  [
    'a deletion is waited for with the additional grace',
    { holder: pod(deleted(-25)) },
    'wait 30',
    { additionalGraceMs: 5_000 },
  ],
  [
    'a pod that is being deleted and has lost its address gives it back at once',
    { holder: pod({ ...deleted(-25), address: false }) },
    'free with endpoint',
  ],
  ['a running pod keeps its address', { holder: pod({}) }, 'keep', { runningPodsWithoutAddress: true }],
  ['a pod of unknown phase with an address keeps it', { holder: pod({ phase: 'Unknown' }) }, 'keep'],
  ['a running pod without an address keeps the record', { holder: pod({ address: false }) }, 'keep'],
  [
    'a running pod without an address gives the record back if that is switched on',
    { holder: pod({ address: false }) },
    'free with endpoint',
    { runningPodsWithoutAddress: true },
  ],
  [
    'a pod of unknown phase without an address gives the record back',
    { holder: pod({ phase: 'Unknown', address: false }) },
    'free with endpoint',
  ],
  [
    'a pod without an address whose ordinal is scaled away gives the record back',
    { holder: pod({ address: false }), owner: scaledDown },
    'free with endpoint',
  ],
  [
    'a pod without an address keeps its fixed address',
    { holder: pod({ address: false }), owner: statefulSet },
    'keep',
    { runningPodsWithoutAddress: true },
  ],
  [
    'a newer pod of a Deployment has the name: the record is freed, and the endpoint of the newer pod stays',
    { ...withoutUidOf, namesake: podOf({ uid: 'u2' }) },
    'free',
  ],
  [
    'a newer pod has the name, and the endpoint is of the older one: both are freed',
    { holder: gone, namesake: podOf({ uid: 'u2' }) },
    'free with endpoint',
  ],
  [
    'the endpoint is of a third pod that is gone: both are freed',
    { holder: gone, namesake: podOf({ uid: 'u2' }), endpoint: present(endpointOf('u3')) },
    'free with endpoint',
  ],
  [
    'a newer pod of a StatefulSet runs with another address: the record is freed',
    { ...withoutUidOf, namesake: podOf({ uid: 'u2' }), owner: statefulSet },
    'free',
  ],
  [
    'a newer pod of a StatefulSet is starting and takes the fixed address over',
    { ...withoutUidOf, namesake: podOf({ uid: 'u2', phase: 'Pending', address: false }), owner: statefulSet },
    'keep',
  ],
  [
    'a newer pod of a StatefulSet is starting, but its ordinal is scaled away: the record is freed',
    { ...withoutUidOf, namesake: podOf({ uid: 'u2', phase: 'Pending', address: false }), owner: scaledDown },
    'free',
  ],
];

for (const [name, facts, expected, settings] of rows) {
  test(name, () => assert.equal(told(verdictOf(facts, settings)), expected));
}

test('with reclaiming switched off nothing is freed', () => {
  assert.equal(told(verdictOf({}, { enabled: false })), 'keep');
});

test('every verdict explains itself in one sentence that names the pod or what could not be read', () => {
  for (const [name, facts, , settings] of rows) {
    const { why } = verdictOf(facts, settings);
    assert.match(
      why,
      /^(pod ns\/app-0|SpiderEndpoint ns\/app-0|node n|the (controller|phase) of pod ns\/app-0) /,
      name,
    );
    assert.ok(why.split(' ').length <= 27, why);
    assert.ok(!why.endsWith('.'), why);
  }
  assert.equal(
    verdictOf({ ...factsOf(), owner: scaledDown }).why,
    'pod ns/app-0 is gone, and StatefulSet app has no ordinal 0 any more',
  );
});
