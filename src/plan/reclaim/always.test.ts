// What holds for all facts: living pods keep their addresses, and what nobody holds is freed in the end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Pod } from '#api';
import {
  defaultReclaimSettings,
  type Owner,
  type ReclaimFacts,
  type ReclaimSettings,
  reclaimVerdict,
} from './index.ts';
import {
  at,
  endpointOf,
  factsOf,
  NOW_MS,
  podOf,
  present,
  scaledDown,
  statefulSet,
} from './reclaim-fixture.ts';

const phase = fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown') as fc.Arbitrary<
  NonNullable<Pod['status']>['phase']
>;
const time = fc.option(fc.integer({ min: -500, max: 500 }).map(at), { nil: undefined });
const anyPod = (uid: string) =>
  fc
    .record({ phase, address: fc.boolean(), deletionTimestamp: time, creationTimestamp: time })
    .map(({ phase: of, address, ...metadata }) => podOf({ uid, phase: of, address, metadata }));
const owner = fc.constantFrom<Owner>(
  { kind: 'other' },
  statefulSet,
  scaledDown,
  { kind: 'VirtualMachineInstance', name: 'app-0', instance: 'alive', machine: 'absent' },
  { kind: 'VirtualMachineInstance', name: 'app-0', instance: 'absent', machine: 'absent' },
);
const node = fc.constantFrom<ReclaimFacts['node']>(
  undefined,
  { name: 'n', state: 'ready' },
  { name: 'n', state: 'notReady' },
  { name: 'n', state: 'absent' },
);
const anyFacts = fc.record({
  namesake: fc.option(anyPod('u2'), { nil: undefined }),
  endpoint: fc
    .constantFrom('none', 'u1', 'u2', 'u3')
    .map((uid) => (uid === 'none' ? ({ state: 'absent' } as const) : present(endpointOf(uid)))),
  owner,
  node,
  sandbox: fc.constantFrom<ReclaimFacts['sandbox']>('alive', 'gone', 'unknown'),
  nowMs: fc.integer({ min: -600, max: 600 }).map((seconds) => NOW_MS + seconds * 1000),
});
const anySettings = fc.record({
  ...Object.fromEntries(
    (
      [
        'endedPodsOnReadyNodes',
        'endedPodsOnNotReadyNodes',
        'runningPodsWithoutAddress',
        'fixedForStatefulSets',
        'fixedForVirtualMachines',
      ] as const
    ).map((key) => [key, fc.boolean()]),
  ),
  additionalGraceMs: fc.nat(100_000),
  silentNodePatienceMs: fc.nat(100_000),
  unknownNodePatienceMs: fc.nat(100_000),
}) as fc.Arbitrary<Partial<ReclaimSettings>>;

/** Whether the pod may use its address now or soon. */
function lives(pod: Pod, { sandbox }: Pick<ReclaimFacts, 'sandbox'>): boolean {
  if (sandbox === 'alive') return true;
  const { phase: of, podIPs = [] } = pod.status ?? {};
  if (of === 'Succeeded' || of === 'Failed' || pod.metadata.deletionTimestamp !== undefined) return false;
  return of === 'Pending' || podIPs.length > 0 || sandbox === 'unknown';
}

test('an address of a living pod with the same UID is never freed, whatever else is true', () => {
  fc.assert(
    fc.property(anyPod('u1'), anyFacts, anySettings, (pod, facts, settings) => {
      fc.pre(lives(pod, facts));
      const all = factsOf({ ...facts, holder: present(pod) });
      const { action } = reclaimVerdict(all, { ...defaultReclaimSettings, ...settings });
      assert.notEqual(action, 'free');
    }),
    { numRuns: 2_000 },
  );
});

test('an endpoint of a living pod of that name is never deleted', () => {
  fc.assert(
    fc.property(anyPod('u2'), anyFacts, anySettings, (namesake, facts, settings) => {
      const all = factsOf({ ...facts, namesake, endpoint: present(endpointOf('u2')) });
      const verdict = reclaimVerdict(all, { ...defaultReclaimSettings, ...settings });
      assert.ok(verdict.action !== 'free' || !verdict.endpoint);
    }),
    { numRuns: 1_000 },
  );
});

test('an address that nobody holds is freed in the end, and no verdict waits for the past', () => {
  const unheld = fc.constantFrom<Owner>({ kind: 'other' }, scaledDown);
  fc.assert(
    fc.property(anyFacts, unheld, anySettings, (facts, of, settings) => {
      fc.pre(facts.sandbox !== 'alive');
      let nowMs = facts.nowMs;
      for (let looks = 0; looks < 4; looks++) {
        const all = factsOf({ ...facts, owner: of, nowMs });
        const verdict = reclaimVerdict(all, { ...defaultReclaimSettings, ...settings });
        if (verdict.action === 'free') return;
        assert.equal(verdict.action, 'wait', verdict.why);
        if (verdict.action !== 'wait') return;
        assert.ok(verdict.untilMs > nowMs);
        nowMs = verdict.untilMs;
      }
      assert.fail('it is never freed');
    }),
    { numRuns: 2_000 },
  );
});

test('a finished or deleted pod gives its address back in the end, unless a fixed address or a setting keeps it', () => {
  fc.assert(
    fc.property(anyPod('u1'), anyFacts, (pod, facts) => {
      const { phase: of } = pod.status ?? {};
      const finished = of === 'Succeeded' || of === 'Failed';
      fc.pre(facts.sandbox !== 'alive' && of !== 'Pending');
      fc.pre(finished || pod.metadata.deletionTimestamp !== undefined);
      const nowMs = NOW_MS + 86_400_000;
      const all = factsOf({ ...facts, holder: present(pod), owner: { kind: 'other' }, nowMs });
      assert.equal(reclaimVerdict(all, defaultReclaimSettings).action, 'free');
    }),
    { numRuns: 1_000 },
  );
});
