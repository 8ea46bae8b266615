import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAddressRequest, refuseRequestedAddress } from './requested-address.ts';

test('a source without requests refuses one with its field and value, and ignores an empty one', () => {
  for (const value of [undefined, null, '', [], {}]) refuseRequestedAddress('ips', value);
  for (const value of ['10.6.0.9', ['10.6.0.9/16'], [''], { a: 1 }, 5, false]) {
    assert.throws(
      () => refuseRequestedAddress('runtimeConfig.ips', value),
      ({ code, message }: { code: string; message: string }) =>
        code === 'ADDRESS_REQUEST_UNSERVED' &&
        message.startsWith(`runtimeConfig.ips ${JSON.stringify(value)} requests particular addresses`),
    );
  }
});

test('the first field with a request decides alone', () => {
  const request = readAddressRequest({ a: [], b: '', c: ['fd00::5/64'], d: '10.6.0.9' });
  assert.deepEqual(Object.keys(request), ['6']);
  assert.equal(request[6]?.field, 'c');
  assert.equal(request[6]?.prefixLength, 64);
});

test('addresses stand in a list or between commas, and one may stand twice', () => {
  const request = readAddressRequest({ IP: '10.6.0.9, fd00::9/64,10.6.0.9' });
  assert.deepEqual([request[4]?.prefixLength, request[6]?.prefixLength], [undefined, 64]);
});

for (const value of [
  5,
  false,
  { a: 1 },
  [''],
  [7],
  '10.6.0.9,',
  ['10.6.0.9/33'],
  [['10.6.0.9']],
  '10.6.0.1-10.6.0.9',
]) {
  test(`a request of another form is refused with its field and value: ${JSON.stringify(value)}`, () => {
    assert.throws(
      () => readAddressRequest({ 'args.cni.ips': value }),
      ({ code, message }: { code: string; message: string }) =>
        code === 'INPUT_INVALID' && message.startsWith(`args.cni.ips ${JSON.stringify(value)}: `),
    );
  });
}
