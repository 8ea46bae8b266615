// Configurations of Whereabouts and host-local: which addresses they give out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, formatCidr } from '#ip';
import { readHostLocal } from './host-local-conf.ts';
import type { SourceConf } from './source-conf.ts';
import { readWhereabouts } from './whereabouts-conf.ts';

/** Each range in one line. */
function texts({ ranges }: SourceConf): string[] {
  return [...ranges[4], ...ranges[6]].map(({ subnet, addresses, gateway, routes }) => {
    const via = gateway === undefined ? '' : ` via ${formatAddress(gateway)}`;
    const more = routes.map(({ dst, gw }) => ` ${dst} via ${gw}`).join('');
    return `${formatCidr(subnet)}: ${addresses.format().join(' ')}${via}${more}`;
  });
}
const whereabouts = (ipam: object) => texts(readWhereabouts({ type: 'whereabouts', ...ipam }, 'net'));
const hostLocal = (ipam: object) => texts(readHostLocal({ type: 'host-local', ...ipam }, 'net'));

test('Whereabouts gives out all addresses of a range but the first and the last, and none that is excluded', () => {
  assert.deepEqual(whereabouts({ range: '192.168.2.225/28' }), [
    '192.168.2.224/28: 192.168.2.225-192.168.2.238',
  ]);
  assert.deepEqual(
    whereabouts({ range: '192.168.2.225/28', exclude: ['192.168.2.229/30', '192.168.2.236'] }),
    ['192.168.2.224/28: 192.168.2.225-192.168.2.227 192.168.2.232-192.168.2.235 192.168.2.237-192.168.2.238'],
  );
  assert.deepEqual(whereabouts({ range: '2001:db8::/120' }), ['2001:db8::/120: 2001:db8::1-2001:db8::fe']);
});

test('a range of Whereabouts begins and ends where the configuration says, in three ways to write it', () => {
  const part = ['10.6.0.0/24: 10.6.0.10-10.6.0.20'];
  assert.deepEqual(whereabouts({ range: '10.6.0.10-10.6.0.20/24' }), part);
  assert.deepEqual(
    whereabouts({ range: '10.6.0.0/24', range_start: '10.6.0.10', range_end: '10.6.0.20' }),
    part,
  );
  const inner = { range: '10.6.0.0/24', range_start: '10.6.0.10', range_end: '10.6.0.20' };
  assert.deepEqual(whereabouts({ ipRanges: [inner, { range: 'fd00::/120' }] }), [
    ...part,
    'fd00::/120: fd00::1-fd00::fe',
  ]);
  // Whereabouts ignores an end outside of the range.
  assert.deepEqual(whereabouts({ range: '10.6.0.0/30', range_end: '10.9.9.9' }), [
    '10.6.0.0/30: 10.6.0.1-10.6.0.2',
  ]);
});

test('a pool has a gateway only for a default route, and no pod gets the address of the gateway', () => {
  const range = '10.6.0.0/29';
  assert.deepEqual(whereabouts({ range, gateway: '10.6.0.1' }), ['10.6.0.0/29: 10.6.0.2-10.6.0.6']);
  const routes = [
    { dst: '0.0.0.0/0' },
    { dst: '10.9.0.0/16', gw: '10.6.0.6' },
    { dst: 'fd00::/8', gw: 'fd00::1' },
  ];
  assert.deepEqual(whereabouts({ range, gateway: '10.6.0.1', routes }), [
    '10.6.0.0/29: 10.6.0.2-10.6.0.6 via 10.6.0.1 10.9.0.0/16 via 10.6.0.6',
  ]);
});

test('host-local takes the first address as gateway, and gives out the last one of IPv6', () => {
  assert.deepEqual(hostLocal({ subnet: '10.1.2.0/24' }), ['10.1.2.0/24: 10.1.2.2-10.1.2.254']);
  const ranges = [
    [{ subnet: '10.1.2.0/24', rangeStart: '10.1.2.9', rangeEnd: '10.1.2.17', gateway: '10.1.2.1' }],
    [{ subnet: '3ffe:ffff:0:1ff::/120' }],
  ];
  assert.deepEqual(hostLocal({ ranges, routes: [{ dst: '0.0.0.0/0' }] }), [
    '10.1.2.0/24: 10.1.2.9-10.1.2.17 via 10.1.2.1',
    '3ffe:ffff:0:1ff::/120: 3ffe:ffff:0:1ff::2-3ffe:ffff:0:1ff::ff',
  ]);
});

test('several ranges of one set are several pools, in order', () => {
  const ranges = [[{ subnet: '10.1.0.0/29' }, { subnet: '10.2.0.0/29' }]];
  assert.deepEqual(hostLocal({ ranges }), [
    '10.1.0.0/29: 10.1.0.2-10.1.0.6',
    '10.2.0.0/29: 10.2.0.2-10.2.0.6',
  ]);
});

test('a route that is written twice is one route, as admission of pools wants it', () => {
  const routes = [{ dst: '10.9.0.0/8' }, { dst: '10.0.0.0/8', gw: '10.1.0.1' }];
  assert.deepEqual(whereabouts({ range: '10.1.0.0/24', gateway: '10.1.0.1', routes }), [
    '10.1.0.0/24: 10.1.0.2-10.1.0.254 10.0.0.0/8 via 10.1.0.1',
  ]);
});

for (const [what, ipam, message] of [
  ['no range', {}, /ipam\.range is missing/],
  [
    'two ranges of one family',
    { ipRanges: [{ range: '10.1.0.0/24' }, { range: '10.2.0.0/24' }] },
    /two IPv4 add/,
  ],
  [
    'an address for every pod',
    { range: '10.1.0.0/24', addresses: [{ address: '10.1.0.9/24' }] },
    /ipam\.addresses/,
  ],
  [
    'a route without gateway',
    { range: '10.1.0.0/24', routes: [{ dst: '10.0.0.0/8' }] },
    /10\.0\.0\.0\/8 has no gat/,
  ],
  [
    'a gateway elsewhere',
    { range: '10.1.0.0/24', routes: [{ dst: '10.0.0.0/8', gw: '10.9.0.1' }] },
    /10\.9\.0\.1, and/,
  ],
  [
    'two ways for one route',
    {
      range: '10.1.0.0/24',
      gateway: '10.1.0.1',
      routes: [{ dst: '10.9.0.0/8' }, { dst: '10.0.0.0/8', gw: '10.1.0.2' }],
    },
    /two routes to 10\.0\.0\.0\/8 have different gateways/,
  ],
  ['a range that is no CIDR', { range: '10.1.0.0' }, /invalid CIDR '10\.1\.0\.0'/],
  [
    'a range without addresses',
    { range: '10.1.0.0/24', exclude: ['10.1.0.0/24'] },
    /has no address for a pod/,
  ],
  ['a range of two addresses', { range: '10.1.0.0/31' }, /is too small/],
] as const) {
  test(`Whereabouts with ${what} is refused with a sentence`, () => {
    assert.throws(() => whereabouts(ipam), { code: 'INPUT_INVALID', message });
  });
}

test('host-local with an end outside of its subnet, or without ranges, is refused with a sentence', () => {
  assert.throws(
    () => hostLocal({ subnet: '10.1.0.0/24', rangeEnd: '10.2.0.9' }),
    /rangeEnd is not in 10\.1\.0\.0/,
  );
  assert.throws(() => hostLocal({}), /ipam\.ranges is missing/);
  assert.throws(() => hostLocal({ subnet: '10.1.0.300/24' }), /ipam\.subnet/);
});
