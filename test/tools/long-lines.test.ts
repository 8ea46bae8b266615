import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longLines } from '../../tools/long-lines.ts';

const long = 'word '.repeat(25);

test('a line of 121 characters is too long, and one of 120 is not', () => {
  assert.deepEqual(longLines(`${'x'.repeat(120)}\n${'x'.repeat(121)}\n`), [2]);
});

test('a line counts its characters, not its bytes', () => {
  assert.deepEqual(longLines('ü'.repeat(120)), []);
  assert.deepEqual(longLines('𝄞'.repeat(120)), []);
});

test('tables and fenced code may be longer, and what follows them may not', () => {
  assert.deepEqual(longLines(`| ${long} |\n${long}`), [2]);
  assert.deepEqual(longLines(`\`\`\`sh\n${long}\n\`\`\`\n${long}`), [4]);
});

test('a web address does not count, but the words around it do', () => {
  const address = `https://example.org/${'x'.repeat(120)}`;
  assert.deepEqual(longLines(`See [the page](${address}).\n${long}<${address}>`), [2]);
});
