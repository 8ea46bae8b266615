import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ErrorCode, errorTable, OrbError } from '#base';
import { decidingError, retryOf } from './retry.ts';

const failure = (code: ErrorCode) => new OrbError(code, { message: code });
const codes = Object.keys(errorTable) as ErrorCode[];

test('each error code has one retry rule, and the README names the special ones', () => {
  const special = codes.filter((code) => retryOf(failure(code)) !== 'back-off');
  assert.deepEqual(
    special.map((code) => `${code} ${retryOf(failure(code))}`),
    [
      'ADDRESS_REQUEST_UNSERVED on-change',
      'CNI_INPUT_UNDECODABLE on-change',
      'INPUT_INVALID on-change',
      'INTERNAL bug',
      'IPPOOL_INVALID on-change',
      'IPPOOL_STATUS_INVALID on-change',
      'KUBE_CONFLICT at-once',
    ],
  );
  const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
  for (const code of special) assert.match(readme, new RegExp(`\`${code}\``));
});

test('an error without a code is a bug, whatever was thrown', () => {
  for (const thrown of [new TypeError('x'), 'text', undefined, { code: 'KUBE_CONFLICT' }]) {
    assert.equal(retryOf(thrown), 'bug');
  }
});

test('among several errors, the one that most needs a retry decides', () => {
  const all = [
    failure('INPUT_INVALID'),
    failure('KUBE_CONFLICT'),
    failure('KUBE_UNREACHABLE'),
    new Error('a bug'),
  ];
  for (const from of all.keys()) {
    assert.equal(decidingError(all.slice(0, from + 1)), all[from]);
    assert.equal(decidingError(all.slice(0, from + 1).toReversed()), all[from]);
  }
});
