import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logLevel, portOrNone } from './daemon-options.ts';

test('every level of Spiderpool is accepted, and another one is refused with the list', () => {
  assert.deepEqual(['debug', 'warn', 'panic'].map(logLevel), ['debug', 'warn', 'fatal']);
  assert.throws(() => logLevel('loud'), {
    code: 'INPUT_INVALID',
    message: '--log-level "loud": allowed are debug, info, warn, error, fatal, panic',
  });
});

test('a port is a number of 16 bits or none', () => {
  assert.deepEqual(
    ['0', '5720', '65535', 'none'].map((text) => portOrNone('--health-port', text)),
    [0, 5720, 65_535, undefined],
  );
  for (const text of ['65536', '-1', '', '5720x', ' 1']) {
    assert.throws(() => portOrNone('--health-port', text), {
      code: 'INPUT_INVALID',
      message: /^--health-port ".*" is not a port/,
    });
  }
});
