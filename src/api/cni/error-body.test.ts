// Errors as plugins print them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorTable, OrbError } from '#base';
import { cniErrorBody, cniErrorBodySchema } from './error-body.ts';

test('an OrbError is answered with its CNI code, message and advice', () => {
  const body = cniErrorBody(
    new OrbError('INPUT_INVALID', { message: 'mode: "x"', cause: new Error('why') }),
    '0.4.0',
  );
  assert.deepEqual(body, {
    cniVersion: '0.4.0',
    code: 7,
    msg: 'mode: "x": why',
    details: errorTable.INPUT_INVALID.advice,
  });
  assert.equal(cniErrorBodySchema.safeParse(body).success, true);
});

test('any other exception is answered as an internal error', () => {
  assert.equal(cniErrorBody(new TypeError('x is undefined'), '1.0.0').code, 999);
  assert.equal(cniErrorBody('text', '1.0.0').msg, 'text');
});
