import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ipVersion, parseIp, stringifyIp } from 'ip-bigint';
import {
  type Address,
  addressBytes,
  addressFromBytes,
  compareAddresses,
  formatAddress,
  parseAddress,
  sameAddress,
  tryParseAddress,
} from './address.ts';

const ipv4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value): Address => ({ family: 4, value }));
// Many zero groups, so that compression is exercised.
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map(
    (groups): Address => ({
      family: 6,
      value: groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n),
    }),
  );
const isMapped = ({ family, value }: Address) => family === 6 && value >> 32n === 0xffffn;
const address = fc.oneof(
  ipv4,
  ipv6.filter((candidate) => !isMapped(candidate)),
);

test('every address that is written reads back unchanged', () => {
  fc.assert(fc.property(address, (a) => assert.deepEqual(parseAddress(formatAddress(a)), a)));
});

test('addresses are written as ip-bigint writes them', () => {
  fc.assert(
    fc.property(address, (a) =>
      assert.equal(formatAddress(a), stringifyIp({ number: a.value, version: a.family })),
    ),
  );
});

test('addresses are read as ip-bigint reads them, whatever the spelling of zeros and the case', () => {
  const spelling = ipv6
    .filter((a) => !isMapped(a))
    .chain((a) =>
      fc.constantFrom(
        stringifyIp({ number: a.value, version: 6 }, { compress: false }),
        stringifyIp({ number: a.value, version: 6 }).toUpperCase(),
        formatAddress(a).replaceAll(/\b([0-9a-f]{1,3})\b/g, (group) => group.padStart(4, '0')),
      ),
    );
  fc.assert(fc.property(spelling, (text) => assert.equal(parseAddress(text).value, parseIp(text).number)));
});

test('texts that ip-bigint refuses are refused', () => {
  const noise = fc.string({ unit: fc.constantFrom(...'0123456789af.:-/%x '.split('')), maxLength: 24 });
  fc.assert(
    fc.property(noise, (text) => {
      if (tryParseAddress(text) !== undefined) assert.notEqual(ipVersion(text), 0, text);
    }),
    { numRuns: 5000 },
  );
});

for (const [text, why] of [
  ['', 'empty'],
  ['10.6.0', 'three numbers'],
  ['10.6.0.5.1', 'five numbers'],
  ['10.6.0.256', 'a number above 255'],
  ['10.6.0.05', 'a leading zero'],
  ['010.6.0.5', 'octal'],
  ['0x0a.6.0.5', 'hexadecimal'],
  ['10.6..5', 'an empty number'],
  ['10.6.0.5.', 'a dot at the end'],
  [' 10.6.0.5', 'a space'],
  ['10.6.0.5/16', 'a prefix length'],
  ['1:2:3:4:5:6:7', 'seven groups'],
  ['1:2:3:4:5:6:7::8', 'a gap of no group'],
  ['1::2::3', 'two gaps'],
  [':::', 'three colons'],
  ['12345::', 'a group of five digits'],
  ['fe80::1%eth0', 'a zone'],
  ['1.2.3.4::', 'dotted numbers in front'],
  ['::1.2.3', 'short dotted numbers'],
] as const) {
  test(`the text '${text}' is refused: ${why}`, () => {
    assert.throws(() => parseAddress(text), {
      code: 'INPUT_INVALID',
      message: /^invalid IP address '.*'; allowed: /,
    });
  });
}

test('an IPv4-mapped IPv6 address is the IPv4 address', () => {
  assert.deepEqual(parseAddress('::ffff:10.6.0.5'), parseAddress('10.6.0.5'));
  assert.deepEqual(parseAddress('::ffff:0a06:5'), parseAddress('10.6.0.5'));
});

test('embedded dotted numbers with another prefix stay IPv6', () => {
  assert.equal(formatAddress(parseAddress('64:ff9b::192.0.2.33')), '64:ff9b::c000:221');
});

test('the first of the longest runs of zeros is shortened, a single zero group is not (RFC 5952 §4.2)', () => {
  assert.equal(formatAddress(parseAddress('2001:db8:0:0:1:0:0:1')), '2001:db8::1:0:0:1');
  assert.equal(formatAddress(parseAddress('2001:db8:0:1:1:1:1:1')), '2001:db8:0:1:1:1:1:1');
});

test('bytes are in network order and convert back to the address', () => {
  assert.deepEqual([...addressBytes(parseAddress('10.6.0.5'))], [10, 6, 0, 5]);
  fc.assert(fc.property(fc.oneof(ipv4, ipv6), (a) => assert.deepEqual(addressFromBytes(addressBytes(a)), a)));
  assert.throws(() => addressFromBytes(new Uint8Array(5)), { code: 'INPUT_INVALID' });
});

test('bytes of a mapped address stay IPv6 and are written as such', () => {
  const mapped = addressFromBytes(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 6, 0, 5));
  assert.equal(mapped.family, 6);
  assert.equal(formatAddress(mapped), '::ffff:10.6.0.5');
});

test('IPv4 sorts before IPv6, then by value', () => {
  const sorted = ['10.0.0.2', '10.0.0.10', '::1', '::2'].map(parseAddress);
  assert.deepEqual(sorted.toReversed().toSorted(compareAddresses), sorted);
  assert.equal(sameAddress(parseAddress('::1'), parseAddress('0.0.0.1')), false);
});
