import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matrixPage } from './page.ts';
import type { MatrixVerdict } from './paths.ts';

function verdict(some: Partial<MatrixVerdict>): MatrixVerdict {
  return {
    from: 'c-node1',
    to: 'm-node2 eth0',
    family: 4,
    protocol: 'tcp',
    expected: 'works',
    ok: true,
    source: '10.6.212.101',
    reason: '',
    rows: [10],
    where: 'other node',
    setting: { natOutgoing: true, encapsulation: 'none' },
    seenAs: 'its node',
    ...some,
  };
}

const plain = { natOutgoing: false, encapsulation: 'vxlan' } as const;
const losses = [{ without: 'the marks', rows: [{ row: 26, failed: 1, tried: 2, families: [6] }] }];
const page = (...table: MatrixVerdict[]) => matrixPage({ table, losses }, '<!-- head -->');

test('pods of a kind share a line, whatever their node, with the source under either natOutgoing', () => {
  const text = page(
    verdict({}),
    verdict({ from: 'c-node2', to: 'm-node1 eth0' }),
    verdict({ setting: plain, seenAs: 'its own', protocol: 'udp' }),
  );
  assert.match(
    text,
    /^\| c \| m eth0 \| other node \| tcp udp \| {2}\| its node; off: its own \| off, VXLAN \|$/m,
  );
});

test('a failed cell is not lost among those that work', () => {
  const text = page(verdict({}), verdict({ from: 'c-node2', ok: false, reason: 'no answer' }));
  assert.match(text, /\*\*tcp FAILS\*\*/);
  assert.match(text, /Of 2 cells 1 work, 0 cannot work, and 1 failed/);
});

test('every row has its ways as the plan makes them, each way once', () => {
  const text = page(verdict({}));
  const row8 = text.split('## Row 8:')[1]?.split('## Row 9:')[0] ?? '';
  assert.match(row8, /`M1 veth0 → node1 → node2 → C2 eth0` ⇐ `C2 eth0 → node2 → M1 eth0`/);
  assert.equal(row8.match(/⇐/g)?.length, 1);
  assert.match(text, /natOutgoing off.*: `C1 eth0 → node1 → M2 eth0` ⇐ `M2 veth0 → node2 → node1 → C1 eth0`/);
  assert.match(text, /^## Row 30:/m);
});

test('what a row stands on is told with the family that it is needed for', () => {
  assert.match(page(verdict({})), /^\| the marks \| 26 \(IPv6\) \|$/m);
});

test('no line outside a table is longer than the lines of the other pages', () => {
  const reason = 'a node without an endpoint drops what comes from outside, '.repeat(5);
  const lines = page(verdict({ expected: 'impossible', reason })).split('\n');
  assert.deepEqual(
    lines.filter((line) => line.length > 120 && !line.startsWith('|')),
    [],
  );
});
