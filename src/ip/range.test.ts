import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRange, parseRange } from './range.ts';

test('one address and a range are read and written back', () => {
  for (const text of ['10.6.0.5', '10.6.0.5-10.6.0.9', 'fd00::5', 'fd00::5-fd00::ffff']) {
    assert.equal(formatRange(parseRange(text)), text);
  }
  assert.equal(formatRange(parseRange('10.6.0.5-10.6.0.5')), '10.6.0.5');
});

for (const [text, version] of [
  ['10.6.0.9-10.6.0.5', 4],
  ['10.6.0.5 - 10.6.0.9', 4],
  ['10.6.0.5-', 4],
  ['-10.6.0.5', 4],
  ['10.6.0.5-10.6.0.7-10.6.0.9', 4],
  ['10.6.0.5-9', 4],
  ['10.6.0.0/24', 4],
  ['10.6.0.5-fd00::5', 4],
  ['fd00::5-10.6.0.5', 6],
  ['', 4],
] as const) {
  test(`the range '${text}' is refused in Spiderpool's words`, () => {
    const begin = `invalid IP range format in IPv${version} '${text}'; allowed: `;
    assert.throws(
      () => parseRange(text),
      (error: Error) => error.message.startsWith(begin) || assert.fail(error.message),
    );
  });
}

test('a range of the other family is refused where one family is required', () => {
  assert.throws(() => parseRange('fd00::5', 4), { message: /^invalid IP range format in IPv4 'fd00::5'/ });
});
