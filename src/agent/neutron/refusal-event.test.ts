import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorTable, OrbError } from '#base';
import { tellRefusal } from './refusal-event.ts';

const pod = { podNamespace: 'shop', podName: 'db-0', podUid: 'uid-db-0', interfaceName: 'eth0' };

function toldOf(error: unknown, known?: string, what: 'address' | 'NIC' = 'address'): unknown[] {
  const told: unknown[] = [];
  tellRefusal(
    pod,
    what,
    { error, known },
    {
      record: (type, object, note) => told.push([type.kind, object.metadata, note]),
    },
  );
  return told;
}

test('a pod without an address of Neutron has an Event with code, words of the server and remedy', () => {
  const message = 'Neutron answered 409 to update port p1 (request req-7)';
  const error = new OrbError('OPENSTACK_SUBNET_FULL', { message, said: 'No more IP addresses available.' });
  const { advice } = errorTable.OPENSTACK_SUBNET_FULL;
  const start =
    'interface eth0 gets no address: OPENSTACK_SUBNET_FULL: Neutron answered 409 to update port p1';
  const text = `${start}: No more IP addresses available. ${advice}`;
  const metadata = { namespace: 'shop', name: 'db-0', uid: 'uid-db-0' };
  assert.deepEqual(toldOf(error), [
    ['Pod', metadata, { type: 'Warning', reason: 'AddressMissing', message: text }],
  ]);
});

test('tries of the same pod give the same Event, whatever the id of their request', () => {
  const refusal = (id: string) =>
    new OrbError('OPENSTACK_QUOTA', {
      message: `Neutron answered 409 to update port p1 (request ${id})`,
      said: `Quota exceeded (request ${id})`,
    });
  assert.deepEqual(toldOf(refusal('req-1')), toldOf(refusal('req-2')));
});

test('an error that is not of OpenStack is left to the Event of the runtime', () => {
  assert.deepEqual(toldOf(new OrbError('INPUT_INVALID', { message: 'ipam.routes[0] is wrong' })), []);
  assert.deepEqual(toldOf(new Error('unforeseen')), []);
});

test('a cloud that does not answer in time is told too, with what it said last', () => {
  const late = new OrbError('DEADLINE_PASSED', { message: 'the deadline of the request has passed' });
  const [[, , note] = []] = toldOf(late, 'Neutron did not answer (request req-9)') as [
    string,
    object,
    object,
  ][];
  const start = 'interface eth0 gets no address: DEADLINE_PASSED: the deadline of the request has passed';
  const { advice } = errorTable.DEADLINE_PASSED;
  const message = `${start}; before, Neutron did not answer. ${advice}`;
  assert.deepEqual(note, { type: 'Warning', reason: 'AddressMissing', message });
});

test('a pod without a NIC is told by a reason of its own', () => {
  const error = new OrbError('OPENSTACK_NICS_FULL', { message: 'VM vm has 4 NICs' });
  const [[, , note] = []] = toldOf(error, undefined, 'NIC') as [string, object, object][];
  const { advice } = errorTable.OPENSTACK_NICS_FULL;
  const message = `interface eth0 gets no NIC: OPENSTACK_NICS_FULL: VM vm has 4 NICs. ${advice}`;
  assert.deepEqual(note, { type: 'Warning', reason: 'NicMissing', message });
});
