import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBefore } from './resource-version.ts';

test('versions are compared as numbers of any length, and others are never before one another', () => {
  for (const [a, b, before] of [
    ['9', '10', true],
    ['10', '9', false],
    ['10', '10', false],
    ['9007199254740992', '9007199254740993', true],
    ['', '5', false],
    ['abc', '5', false],
    ['4', 'abc', false],
    ['04', '5', false],
    [undefined, '5', false],
    ['4', undefined, false],
  ] as const) {
    assert.equal(isBefore(a, b), before, `${a} ${b}`);
  }
});
