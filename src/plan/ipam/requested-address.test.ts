import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseRequestedAddress } from './requested-address.ts';

test('a requested address is refused with its field and value, and an empty request is ignored', () => {
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
