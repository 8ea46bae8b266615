import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containsCidr, normalizeCidr, parseCidr as oracleParse, overlapCidr } from 'cidr-tools';
import fc from 'fast-check';
import { addressBytes, formatAddress, maxPrefixLength, parseAddress } from './address.ts';
import {
  type Cidr,
  cidrContains,
  cidrLabel,
  cidrRange,
  cidrsOverlap,
  defaultDestination,
  formatCidr,
  hostCidr,
  networkOf,
  parseCidr,
  parseNetwork,
} from './cidr.ts';

const cidr = fc.constantFrom(4 as const, 6 as const).chain((family) =>
  fc.record({
    address: fc
      .bigInt({ min: 1n, max: 2n ** BigInt(maxPrefixLength(family)) - 1n })
      // IPv6 whose text is IPv4-mapped is refused on purpose.
      .filter((value) => family === 4 || value >> 32n !== 0xffffn)
      .map((value) => ({ family, value })),
    prefixLength: fc.integer({ min: 0, max: maxPrefixLength(family) }),
  }),
) satisfies fc.Arbitrary<Cidr>;

test('first and last address of a network equal those of cidr-tools', () => {
  fc.assert(
    fc.property(cidr, (c) => {
      const { start, end } = oracleParse(formatCidr(c));
      const { first, last } = cidrRange(c);
      assert.deepEqual([first.value, last.value], [start, end]);
    }),
  );
});

test('the canonical form equals that of cidr-tools', () => {
  fc.assert(fc.property(cidr, (c) => assert.equal(formatCidr(networkOf(c)), normalizeCidr(formatCidr(c)))));
});

test('containment and overlap equal those of cidr-tools', () => {
  // Neighbours: the second differs from the first in few bits, so that both answers occur.
  const pair = fc.tuple(cidr, fc.nat({ max: 128 }), fc.nat({ max: 128 })).map(([a, bit, length]) => {
    const bits = maxPrefixLength(a.address.family);
    const value = a.address.value ^ (1n << BigInt(bit % bits));
    return [a, { address: { family: a.address.family, value }, prefixLength: length % (bits + 1) }] as const;
  });
  fc.assert(
    fc.property(pair, ([a, b]) => {
      assert.equal(cidrsOverlap(a, b), overlapCidr(formatCidr(a), formatCidr(b)));
      const oracle = containsCidr(formatCidr(a), formatCidr(hostCidr(b.address)));
      assert.equal(cidrContains(a, b.address), oracle);
    }),
  );
});

test('parseCidr keeps host bits and networkOf clears them', () => {
  const parsed = parseCidr('10.6.0.5/16');
  assert.equal(formatCidr(parsed), '10.6.0.5/16');
  assert.equal(formatCidr(networkOf(parsed)), '10.6.0.0/16');
});

for (const text of [
  '10.6.0.0',
  '10.6.0.0/',
  '10.6.0.0/33',
  '10.6.0.0/08',
  '10.6.0.0/-1',
  '10.6/16',
  '::/129',
  '::/ 64',
  '::ffff:10.0.0.0/104',
  '10.6.0.0/16/8',
]) {
  test(`the CIDR '${text}' is refused`, () => {
    assert.throws(() => parseCidr(text), { code: 'INPUT_INVALID', message: /^invalid CIDR '.*'; allowed: / });
  });
}

test('a network must be canonical, and the error shows the canonical form', () => {
  assert.equal(formatCidr(parseNetwork('10.6.0.0/16')), '10.6.0.0/16');
  const please = (from: string, to: string) => ({
    message: `unformatted subnet ${from}, please change it to ${to}`,
  });
  assert.throws(() => parseNetwork('10.6.0.1/16'), please('10.6.0.1/16', '10.6.0.0/16'));
  assert.throws(() => parseNetwork('FD00::/64'), please('FD00::/64', 'fd00::/64'));
});

test('a network never contains a network of the other family', () => {
  assert.equal(cidrContains(defaultDestination(6), parseAddress('10.0.0.1')), false);
  assert.equal(cidrsOverlap(defaultDestination(4), defaultDestination(6)), false);
});

test('label values have dashes in place of dots, colons and the slash', () => {
  assert.equal(cidrLabel(parseCidr('172.18.40.0/24')), '172-18-40-0-24');
  assert.equal(cidrLabel(parseCidr('fd00:10:6::/64')), 'fd00-10-6---64');
});

test('a host CIDR contains its own address only', () => {
  const host = hostCidr(parseAddress('fd00::5'));
  assert.equal(formatCidr(host), 'fd00::5/128');
  assert.equal(formatAddress(cidrRange(host).last), 'fd00::5');
  assert.equal(addressBytes(host.address).length, 16);
});
