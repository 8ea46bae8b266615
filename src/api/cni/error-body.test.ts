// Errors as plugins print them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorTable, OrbError } from '#base';
import { cniErrorBody, cniErrorBodySchema } from './error-body.ts';

test('an error of ours carries its CNI code, its words and the advice', () => {
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

test('anything else that was thrown is an internal error', () => {
  assert.equal(cniErrorBody(new TypeError('x is undefined'), '1.0.0').code, 999);
  assert.equal(cniErrorBody('text', '1.0.0').msg, 'text');
});
