import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configObject, macvlan, rendered } from './config-fixture.ts';
import type { Outcome } from './definition-status.ts';
import { readyCondition } from './index.ts';

const owner = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderMultusConfig',
  name: 'b',
  uid: 'u',
};

function condition(outcome: Outcome, spec: object = macvlan) {
  const { type, status, reason, message } = readyCondition(configObject(spec), outcome);
  assert.equal(type, 'Ready');
  return [status, reason, message];
}

test('a definition that is written or right makes the object ready', () => {
  const ready = ['True', 'Rendered', 'the net-attach-def apps/net is as this object says'];
  assert.deepEqual(condition({ verb: 'none' }), ready);
  assert.deepEqual(condition({ verb: 'create', definition: rendered(macvlan) }), ready);
  assert.deepEqual(condition({ verb: 'patch', body: {}, takesOver: true }), ready);
});

test('the condition says who else manages the definition', () => {
  const text = 'the net-attach-def apps/net already exists and is managed by SpiderMultusConfig apps/b';
  assert.deepEqual(condition({ verb: 'refuse', owner }), ['False', 'OwnedByAnother', text]);
  const operator = { ...owner, kind: 'SriovNetwork' };
  assert.match(condition({ verb: 'refuse', owner: operator })[2] ?? '', /managed by SriovNetwork b$/);
});

test('the condition says what is wrong with each field', () => {
  const issues = [
    { field: 'spec.a', value: 1, message: 'is odd' },
    { field: 'spec.b', value: 2, message: 'is even' },
  ];
  assert.deepEqual(condition({ verb: 'invalid', issues }), [
    'False',
    'Invalid',
    'spec.a: is odd; spec.b: is even',
  ]);
});

test('the condition says that an old definition is terminating', () => {
  assert.deepEqual(condition({ verb: 'wait' }).slice(0, 2), ['False', 'Terminating']);
});

test('the condition names fields that this version does not know', () => {
  const [status, , message = ''] = condition({ verb: 'none' }, { ...macvlan, later: 1 });
  assert.equal(status, 'True');
  assert.match(message, /; this version does not know spec\.later: stored, but without effect$/);
});
