// What goes wrong in Spiderpool's reclaiming, each named by its symptom.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimOf, defaultReclaimSettings } from './index.ts';
import {
  at,
  endpointOf,
  factsOf,
  NOW_MS,
  podOf,
  present,
  statefulSet,
  told,
  verdictOf,
} from './reclaim-fixture.ts';

const virtualMachine = { kind: 'VirtualMachineInstance', name: 'vm' } as const;
const vmRecord = { pool: 'p', address: '10.6.0.5', pod: 'ns/vm', podUid: 'u1', nic: 'eth0' };
const notReady = { name: 'node1', state: 'notReady' } as const;

test('the grace period of a deletion is waited for once, not twice', () => {
  const metadata = { deletionTimestamp: at(30), deletionGracePeriodSeconds: 30 };
  const holder = present(podOf({ metadata }));
  assert.equal(told(verdictOf({ holder })), 'wait 30');
  assert.equal(told(verdictOf({ holder, nowMs: NOW_MS + 30_000 })), 'free with endpoint');
});

test('an evicted pod without container states gives its address back', () => {
  const status = {
    reason: 'Evicted',
    conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: at(-31) }],
  };
  assert.equal(
    told(verdictOf({ holder: present(podOf({ phase: 'Failed', status })) })),
    'free with endpoint',
  );
  const fresh = { ...status, conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: at(-1) }] };
  assert.equal(told(verdictOf({ holder: present(podOf({ phase: 'Failed', status: fresh })) })), 'wait 29');
  const bare = podOf({ phase: 'Failed', metadata: { creationTimestamp: at(-10) } });
  assert.equal(told(verdictOf({ holder: present(bare) })), 'wait 20');
  assert.equal(told(verdictOf({ holder: present(podOf({ phase: 'Failed' })) })), 'free with endpoint');
});

test('the Node object is gone: its pods that end give their addresses back', () => {
  const node = { name: 'node1', state: 'absent' } as const;
  const holder = present(podOf({ metadata: { deletionTimestamp: at(-1) } }));
  const off = { endedPodsOnReadyNodes: false, endedPodsOnNotReadyNodes: false };
  assert.equal(told(verdictOf({ holder, node, sandbox: 'unknown' }, off)), 'free with endpoint');
});

test('a pod deleted by force runs on: its address is kept until the node says that its sandbox is gone', () => {
  const facts = { sandbox: 'alive', nowMs: NOW_MS + 86_400_000 } as const;
  assert.equal(told(verdictOf(facts)), 'keep');
  assert.equal(told(verdictOf({ ...facts, sandbox: 'gone' })), 'free with endpoint');
  assert.match(verdictOf(facts).why, /^pod ns\/app-0 is gone, .*, but its sandbox still runs on node node1$/);
});

test('no row frees the address of a sandbox that the node reports alive', () => {
  const ended = { metadata: { deletionTimestamp: at(-99) } };
  const holders = [
    podOf(ended),
    podOf({ ...ended, address: false }),
    podOf({ phase: 'Succeeded', metadata: { creationTimestamp: at(-999) } }),
    podOf({ phase: 'Unknown', address: false }),
    podOf({ address: false }),
  ];
  for (const holder of holders) {
    const verdict = verdictOf(
      { holder: present(holder), sandbox: 'alive' },
      { runningPodsWithoutAddress: true },
    );
    assert.equal(told(verdict), 'keep');
  }
  assert.equal(told(verdictOf({ namesake: podOf({ uid: 'u2' }), sandbox: 'alive' })), 'keep');
});

test('a node that does not answer gets a minute to say what became of the sandbox', () => {
  for (const node of [notReady, { name: 'node1', state: 'ready' } as const]) {
    assert.equal(told(verdictOf({ node, sandbox: 'unknown' })), 'wait 60');
    assert.equal(told(verdictOf({ node, sandbox: 'unknown', nowMs: NOW_MS + 60_000 })), 'free with endpoint');
  }
});

test('where the node is not known, agents get 45 seconds to come to a new leader', () => {
  const unknown = { node: undefined, sandbox: 'unknown' } as const;
  assert.equal(told(verdictOf(unknown)), 'wait 45');
  assert.equal(told(verdictOf({ ...unknown, nowMs: NOW_MS + 45_000 })), 'free with endpoint');
  assert.equal(told(verdictOf({ ...unknown, sandbox: 'gone' })), 'free with endpoint');
  assert.equal(told(verdictOf(unknown, { unknownNodePatienceMs: 0 })), 'free with endpoint');
});

test('a pod that loses its status address while it is deleted keeps the record on a node that does not answer', () => {
  const holder = present(podOf({ address: false, metadata: { deletionTimestamp: at(25) } }));
  assert.equal(told(verdictOf({ holder, sandbox: 'unknown', node: notReady })), 'wait 25');
});

test('a running pod whose status shows no address yet keeps it while nobody knows its sandbox', () => {
  const holder = present(podOf({ address: false }));
  const settings = { runningPodsWithoutAddress: true };
  assert.equal(told(verdictOf({ holder, sandbox: 'unknown' }, settings)), 'keep');
});

test('a StatefulSet pod deleted before it had an address keeps its fixed address', () => {
  const holder = present(podOf({ address: false, metadata: { deletionTimestamp: at(25) } }));
  assert.equal(told(verdictOf({ holder, owner: statefulSet })), 'keep');
});

test('a fixed address without SpiderEndpoint is kept: the pools hold the truth', () => {
  assert.equal(told(verdictOf({ endpoint: { state: 'absent' }, owner: statefulSet })), 'keep');
});

test('a pool that is being deleted keeps no address for the next pod of a StatefulSet, which would not get it', () => {
  const record = { ...factsOf().record, poolEnds: true };
  const namesake = podOf({ uid: 'u2', address: false, phase: 'Pending' });
  const freed = verdictOf({ record, owner: statefulSet, namesake });
  assert.equal(told(freed), 'free with endpoint');
  assert.match(
    freed.why,
    /IPPool p, which is being deleted, gives no address to the next pod of StatefulSet app/,
  );
  assert.equal(told(verdictOf({ record, owner: statefulSet })), 'free with endpoint');
  assert.equal(told(verdictOf({ record, owner: statefulSet, holder: present(podOf()) })), 'keep');
  const owner = { ...virtualMachine, instance: 'alive', machine: 'alive' } as const;
  assert.equal(told(verdictOf({ record, owner })), 'keep', 'a machine gets its address also of such a pool');
});

test('a record with the name of a virtual machine belongs to the pod with its UID', () => {
  const holder = present(podOf({ name: 'virt-launcher-vm-x7k2p' }));
  assert.equal(told(verdictOf({ record: vmRecord, holder })), 'keep');
});

test('a virtual machine keeps its address while it is off, moves or runs, and no longer', () => {
  const cases = [
    ['alive', 'alive', 'keep'],
    ['alive', 'absent', 'keep'],
    ['absent', 'alive', 'keep'],
    ['ended', 'alive', 'keep'],
    ['ended', 'ended', 'free with endpoint'],
    ['absent', 'absent', 'free with endpoint'],
  ] as const;
  for (const [instance, machine, expected] of cases) {
    const owner = { ...virtualMachine, instance, machine };
    assert.equal(told(verdictOf({ record: vmRecord, owner })), expected, `${instance} ${machine}`);
  }
});

test('the second pod of a migrating virtual machine is no reason to free the address of the first', () => {
  const owner = { ...virtualMachine, instance: 'alive', machine: 'alive' } as const;
  const namesake = podOf({ uid: 'u2', name: 'virt-launcher-vm-b' });
  assert.equal(told(verdictOf({ record: vmRecord, owner, namesake })), 'keep');
});

test('no pod of a virtual machine loses its address to the end of another one', () => {
  const owner = { ...virtualMachine, instance: 'ended', machine: 'absent' } as const;
  const companion = present(podOf({ uid: 'u2', name: 'virt-launcher-vm-b' }));
  const kept = verdictOf({ record: vmRecord, owner, companion });
  assert.equal(told(kept), 'keep');
  assert.match(kept.why, /pod ns\/virt-launcher-vm-b of the same virtual machine may use the address/);
  const unreadable = { state: 'unreadable', said: 'no answer' } as const;
  assert.equal(told(verdictOf({ record: vmRecord, owner, companion: unreadable })), 'keep');
});

test('fixed addresses are given back when the feature is switched off', () => {
  assert.equal(
    told(verdictOf({ owner: statefulSet }, { fixedForStatefulSets: false })),
    'free with endpoint',
  );
  const owner = { ...virtualMachine, instance: 'absent', machine: 'alive' } as const;
  assert.equal(
    told(verdictOf({ record: vmRecord, owner }, { fixedForVirtualMachines: false })),
    'free with endpoint',
  );
});

test('a newer pod keeps its endpoint when a late record of the older one is freed', () => {
  const namesake = podOf({ uid: 'u2', phase: 'Pending', address: false });
  assert.equal(told(verdictOf({ namesake, endpoint: present(endpointOf('u2')) })), 'free');
});

test('a record with a wrong UID is kept while the pod of that name shows its address', () => {
  const namesake = podOf({ uid: 'u2' });
  const shows = (uid: string, detail: object) => present(endpointOf(uid, [{ interface: 'net1', ...detail }]));
  assert.equal(told(verdictOf({ namesake, endpoint: shows('u2', { ipv4: '10.6.0.5/16' }) })), 'keep');
  assert.equal(told(verdictOf({ namesake, endpoint: shows('u2', { ipv4: '10.6.0.6/16' }) })), 'free');
  assert.equal(
    told(verdictOf({ namesake, endpoint: shows('u3', { ipv4: '10.6.0.5/16' }) })),
    'free with endpoint',
  );
  const record = { pool: 'p', address: 'fd00::5', pod: 'ns/app-0', podUid: '' };
  assert.equal(
    told(verdictOf({ record, namesake, endpoint: shows('u2', { ipv6: 'fd00:0::5/64' }) })),
    'keep',
  );
  const inStatus = podOf({ uid: 'u2', address: false, status: { podIPs: [{ ip: '10.6.0.5' }] } });
  assert.equal(told(verdictOf({ namesake: inStatus })), 'keep');
  const ended = podOf({
    uid: 'u2',
    phase: 'Failed',
    address: false,
    status: { podIPs: [{ ip: '10.6.0.5' }] },
  });
  assert.equal(told(verdictOf({ namesake: ended })), 'free with endpoint');
});

test('ordinals count from ordinals.start, and names that the StatefulSet does not give hold nothing', () => {
  const owner = { kind: 'StatefulSet', name: 'app', ordinals: { start: 5, replicas: 2 } } as const;
  const state = (pod: string) => claimOf({ pod }, owner, defaultReclaimSettings).state;
  assert.deepEqual(['ns/app-4', 'ns/app-5', 'ns/app-6', 'ns/app-7'].map(state), [
    'lost',
    'kept',
    'kept',
    'lost',
  ]);
  assert.deepEqual(['ns/app-05', 'ns/app-', 'ns/app-x', 'ns/other-5', 'ns/app-5-0'].map(state), [
    'lost',
    'lost',
    'lost',
    'lost',
    'lost',
  ]);
  const deleted = { ...owner, ordinals: undefined };
  assert.equal(claimOf({ pod: 'ns/app-5' }, deleted, defaultReclaimSettings).state, 'lost');
});
