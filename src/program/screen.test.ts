import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Screen } from './screen.ts';
import { shownText } from './shown-text.ts';

test('characters that a terminal obeys are written as JSON writes them', () => {
  for (const [text, shown] of [
    ['\u001b[2J\u001b]0;title\u0007', '\\u001b[2J\\u001b]0;title\\u0007'],
    ['yes\rno', 'yes\\u000dno'],
    ['a\bb\u007fc\0', 'a\\u0008b\\u007fc\\u0000'],
    ['\u009b31m', '\\u009b31m'],
    ['\u202egnp.exe\u2066\u2069', '\\u202egnp.exe\\u2066\\u2069'],
    ['one\u2028two\u2029', 'one\\u2028two\\u2029'],
  ] as const)
    assert.equal(shownText(text), shown);
});

test('line feeds, tabs and all other text stay as they are', () => {
  const text = 'a\tb\nZürich, 東京, עברית, 😀, é, └─, “…”\u200f\u00a0';
  assert.equal(shownText(text), text);
});

test('JSON stays the same JSON', () => {
  const value = { text: '\u001b\u009b\u2028\u202e\u007f\n\t"\\' };
  const json = JSON.stringify(value, undefined, 2);
  assert.deepEqual(JSON.parse(shownText(json)), value);
});

test('a screen shows its own colours, and none that a text brings along', () => {
  const stream = new PassThrough({ encoding: 'utf8' });
  const terminal = Object.assign(stream, { isTTY: true, hasColors: () => true, getColorDepth: () => 4 });
  const before = { NO_COLOR: process.env.NO_COLOR, FORCE_COLOR: process.env.FORCE_COLOR };
  delete process.env.NO_COLOR;
  process.env.FORCE_COLOR = '1';
  try {
    const screen = new Screen(terminal as unknown as NodeJS.WriteStream);
    screen.write(`${screen.paint('bad', 'x\u001b[32my')} \u001b[32mz\n`);
    assert.equal(stream.read(), '\u001b[31mx\\u001b[32my\u001b[39m \\u001b[32mz\n');
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});
