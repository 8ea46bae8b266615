import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { parseAddress } from '#ip';
import { tellConflict } from './conflicts.ts';

const conflict = {
  pod: { namespace: 'default', name: 'db-0', uid: 'uid-db-0' },
  nic: 'eth0',
  address: parseAddress('10.6.1.1'),
  mac: '0a:00:00:00:00:99',
} as const;

test('a conflict is counted, and an Event on the pod names address, interface, rival and consequence', () => {
  const told: unknown[] = [];
  const counted: string[] = [];
  const events = { record: (...event: unknown[]) => told.push(event.slice(1)) };
  const count = (outcome: string) => counted.push(outcome);
  const edges = { events: events as never, count, log: silentLogger };
  tellConflict({ ...conflict, outcome: 'quarantined' }, edges);
  tellConflict({ ...conflict, outcome: 'kept' }, edges);
  const start = 'address 10.6.1.1 of interface eth0 is in use at 0a:00:00:00:00:99: ';
  const note = (message: string) => ({ type: 'Warning', reason: 'IPConflict', message: start + message });
  const pod = { metadata: conflict.pod };
  assert.deepEqual(told, [
    [pod, note('the address is put into quarantine, and the pod gets another one')],
    [pod, note('the address cannot be exchanged, so the pod starts when the other machine has released it')],
  ]);
  assert.deepEqual(counted, ['quarantined', 'kept']);
});
