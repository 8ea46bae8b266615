import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAbsence, readRefusal, refusalError } from './refusal.ts';

const context = { action: 'read port p', service: 'Neutron', requestId: 'req-1', secrets: ['the-token'] };
const errorOf = (status: number, body: unknown) =>
  refusalError(readRefusal(status, typeof body === 'string' ? body : JSON.stringify(body)), context);
const neutron = (type: string, message = 'said') => ({ NeutronError: { type, message, detail: '' } });

for (const [status, body, code] of [
  [404, neutron('PortNotFound'), 'OPENSTACK_NOT_FOUND'],
  [404, { itemNotFound: { code: 404, message: 'said' } }, 'OPENSTACK_NOT_FOUND'],
  [404, '<html><h1>said</h1></html>', 'OPENSTACK_UNREACHABLE'],
  [401, { error: { code: 401, title: 'Unauthorized', message: 'said' } }, 'OPENSTACK_LOGIN_REFUSED'],
  [403, neutron('PolicyNotAuthorized'), 'OPENSTACK_FORBIDDEN'],
  [409, neutron('IpAddressAlreadyAllocated'), 'OPENSTACK_CONFLICT'],
  [409, neutron('IpAddressGenerationFailure'), 'OPENSTACK_SUBNET_FULL'],
  [409, neutron('OverQuota'), 'OPENSTACK_QUOTA'],
  [412, neutron('RevisionNumberConstraintFailed'), 'OPENSTACK_CHANGED'],
  [400, neutron('HTTPBadRequest'), 'OPENSTACK_REFUSED'],
  [503, '<html><style>h1 { color: red }</style><h1>said</h1></html>', 'OPENSTACK_UNREACHABLE'],
] as const) {
  test(`${status} with ${JSON.stringify(body)} is ${code}`, () => {
    const error = errorOf(status, body);
    assert.equal(error.code, code);
    assert.equal(error.said, 'said');
    assert.equal(error.message, `Neutron answered ${status} to read port p (request req-1): said`);
  });
}

test('only the words of a server of OpenStack say that something does not exist', () => {
  assert.ok(isAbsence(readRefusal(404, JSON.stringify(neutron('PortNotFound')))));
  for (const body of [
    '',
    'not found',
    '{"message": "no Route matched"}',
    '{"a": 1, "b": 2}',
    '[]',
    'null',
    '"x"',
  ]) {
    assert.ok(!isAbsence(readRefusal(404, body)), body);
  }
  assert.ok(!isAbsence(readRefusal(500, JSON.stringify(neutron('PortNotFound')))));
});

test('a page that repeats the request has no token in the message', () => {
  assert.doesNotMatch(errorOf(502, 'X-Auth-Token: the-token').message, /the-token/);
});
