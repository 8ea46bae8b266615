import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { columns } from './columns.ts';

test('no line is wider than the limit, and no letter is lost', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', ',', '1'), maxLength: 200 });
  const table = fc
    .integer({ min: 1, max: 8 })
    .chain((count) =>
      fc.array(fc.array(text, { minLength: count, maxLength: count }), { minLength: 1, maxLength: 6 }),
    );
  const letters = (texts: readonly string[]) => texts.join('').replaceAll(' ', '').split('').sort().join('');
  fc.assert(
    fc.property(table, fc.integer({ min: 30, max: 120 }), (rows, width) => {
      const lines = columns(rows, width);
      assert.ok(
        lines.every(({ length }) => length <= width),
        lines.join('\n'),
      );
      assert.equal(letters(lines), letters(rows.flat()));
    }),
  );
});

test('a text that is too long continues below itself, broken between words', () => {
  const rows = [
    ['from', 'the server saw'],
    ['a', '10.6.212.101, 10.6.100.11, fd00:10:6::101'],
  ];
  const wrapped = [
    'from  the server saw',
    'a     10.6.212.101,',
    '      10.6.100.11,',
    '      fd00:10:6::101',
  ];
  assert.deepEqual(columns(rows, 22), wrapped);
  assert.equal(columns(rows, 80).length, 2);
});

test('a cell is shown once it is as wide as its column', () => {
  const shown = columns(
    [
      ['a', 'b'],
      ['x', 'FAIL'],
    ],
    20,
    (text, padded) => (text === 'FAIL' ? `<${padded}>` : padded),
  );
  assert.deepEqual(shown, ['a  b', 'x  <FAIL>']);
});

test('a column of blanks does not keep the other columns from getting narrower', () => {
  const rows = [
    ['', '', '', '', '', '', '', ''],
    ['', '', '', ' ', 'aaaaaa', 'aaa', 'aaaa', 'aaa'],
  ];
  for (const line of columns(rows, 30)) assert.ok(line.length <= 30, line);
});
