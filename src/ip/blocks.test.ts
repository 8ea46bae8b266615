import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCidr as oracleParse } from 'cidr-tools';
import fc from 'fast-check';
import { rangeBlocks } from './blocks.ts';
import { formatCidr } from './cidr.ts';
import { parseRange } from './range.ts';

const blocksOf = (text: string): string[] => rangeBlocks(parseRange(text)).map(formatCidr);

describe('the networks of a range', () => {
  test('are the fewest that have exactly its addresses', () => {
    assert.deepEqual(blocksOf('10.0.0.0-10.0.0.255'), ['10.0.0.0/24']);
    assert.deepEqual(blocksOf('10.0.0.7'), ['10.0.0.7/32']);
    assert.deepEqual(blocksOf('10.0.0.1-10.0.0.6'), [
      '10.0.0.1/32',
      '10.0.0.2/31',
      '10.0.0.4/31',
      '10.0.0.6/32',
    ]);
    assert.deepEqual(blocksOf('fd00::-fd00::ffff'), ['fd00::/112']);
    assert.deepEqual(blocksOf('0.0.0.0-255.255.255.255'), ['0.0.0.0/0']);
    assert.deepEqual(blocksOf('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), ['::/0']);
  });

  test('follow each other without a gap, whatever the range', () => {
    const ends = fc.tuple(fc.nat({ max: 2 ** 31 - 1 }), fc.nat({ max: 70_000 }));
    fc.assert(
      fc.property(ends, ([start, more]) => {
        const range = {
          first: { family: 4, value: BigInt(start) },
          last: { family: 4, value: BigInt(start + more) },
        } as const;
        let next = range.first.value;
        for (const block of rangeBlocks(range)) {
          const { start: begin, end } = oracleParse(formatCidr(block));
          assert.equal(begin, next);
          next = end + 1n;
        }
        assert.equal(next, range.last.value + 1n);
      }),
    );
  });
});
