// The table as people see it: the count, what failed, and with --full every way; it fits a terminal of 120 columns.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Cell } from './table.ts';
import { tableText } from './table-text.ts';

const paint = (_tone: string, text: string) => text;

/** One way from a pod with a name as Deployments give them, in six cells. */
function way(to: string, { broken = false, service = false } = {}): Cell[] {
  return ([4, 6] as const).flatMap((family) =>
    (['icmp', 'tcp', 'udp'] as const).map((protocol): Cell => {
      const impossible = service && protocol === 'icmp';
      const cell = { from: 'underlay-827lj9lf66-7jr5s (node1)', to, family, protocol, source: '' };
      const v6 = 'fd00:10:6::101, fd00:10:6::100:11';
      if (impossible)
        return {
          ...cell,
          expected: 'impossible',
          ok: true,
          reason: 'a Service has ports, and ICMP has none',
        };
      if (broken && protocol === 'udp') return { ...cell, expected: 'works', ok: false, reason: 'no answer' };
      const source = family === 4 ? '10.6.212.101, 10.6.100.11' : v6;
      return { ...cell, expected: 'works', ok: true, source, reason: '' };
    }),
  );
}

const cells = [
  ...way('underlay-827lj9lf66-hnqn7 (node1)'),
  ...way('NodePort underlay-local at node1', { service: true }),
  ...way('overlay-vb9w7 (node1)', { broken: true }),
];

describe('the table', () => {
  test('is one line when all works', () => {
    assert.equal(
      tableText(way('NodePort web at node1', { service: true }), { full: false, paint }),
      '4 work, 2 cannot work (--full shows which, and why), 0 failed\n',
    );
  });

  test('shows only failures and their reasons', () => {
    const lines = tableText(cells, { full: false, paint }).split('\n');
    assert.deepEqual(
      lines.filter((line) => /FAIL¹/.test(line)).map((line) => line.match(/FAIL¹|ok/g)),
      [['ok', 'ok', 'FAIL¹', 'ok', 'ok', 'FAIL¹']],
    );
    assert.ok(lines.includes('¹  no answer'), lines.join('\n'));
    assert.doesNotMatch(lines.join('\n'), /hnqn7|NodePort/);
    assert.equal(lines.at(-2), '14 work, 2 cannot work (--full shows which, and why), 2 failed');
  });

  test('with --full shows every way, in at most 120 columns', () => {
    const lines = tableText(cells, { full: true, paint }).split('\n');
    for (const name of ['hnqn7', 'NodePort', 'overlay-vb9w7'])
      assert.ok(
        lines.some((line) => line.includes(name)),
        name,
      );
    assert.deepEqual(
      lines.filter(({ length }) => length > 120),
      [],
    );
  });

  test('does not write a note’s number where it would read as minus one', () => {
    const text = tableText(cells, { full: true, paint });
    assert.doesNotMatch(text, /-\d\b(?= {2})/);
    assert.match(text, / –¹ +ok +ok +–¹ +ok +ok/);
    assert.match(text, /^¹ {2}a Service has ports, and ICMP has none$/m);
  });

  test('colours failures and impossible cells', () => {
    const tones: string[] = [];
    tableText(cells, {
      full: true,
      paint: (tone, text) => {
        tones.push(`${tone} ${text.trim()}`);
        return text;
      },
    });
    assert.deepEqual([...new Set(tones)].sort(), ['bad 2 failed', 'bad FAIL²', 'faint –¹']);
  });
});
