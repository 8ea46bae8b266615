// Results of every version: read, written, and passed through a chain without loss.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CniResult } from './result.ts';
import { readResult, writeResult } from './result-version.ts';
import { type SpecVersion, type SupportedVersion, supportedVersions } from './spec-version.ts';

const v4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, prefix]) => `${ip}/${prefix}`);
const v6 = fc.tuple(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.integer({ min: 0, max: 128 }));
const v6Cidr = v6.map(([low, prefix]) => `fd00:0:0:0:${groups(low)}/${prefix}`);
const cidr = fc.oneof(v4, v6Cidr);
const later = fc.record({ 'x-later': fc.jsonValue({ maxDepth: 1 }) }, { requiredKeys: [] });

function groups(value: bigint): string {
  return [48n, 32n, 16n, 0n].map((shift) => ((value >> shift) & 0xffffn).toString(16)).join(':');
}

function optional<T extends object>(
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
  requiredKeys: (keyof T)[],
) {
  return fc
    .tuple(fc.record<T, keyof T>(fields, { requiredKeys }), later)
    .map(([known, unknown]) => ({ ...known, ...unknown }));
}

const link = optional(
  {
    name: fc.constantFrom('eth0', 'net1'),
    mac: fc.constant('0a:1b:00:00:00:01'),
    sandbox: fc.constant('/run/netns/x'),
  },
  ['name'],
);
const newLink = optional(
  { name: fc.constant('eth0'), mtu: fc.nat(9000), socketPath: fc.string(), pciID: fc.string() },
  ['name'],
);
const ip = optional({ address: cidr, gateway: fc.ipV4(), interface: fc.constant(0) }, ['address']);
const route = optional({ dst: cidr, gw: fc.ipV4() }, ['dst']);
const newRoute = optional(
  { dst: cidr, mtu: fc.nat(9000), advmss: fc.nat(), priority: fc.nat(), table: fc.nat(), scope: fc.nat(255) },
  ['dst'],
);

/** Results that every version from 0.3.0 can hold, and such as only 1.1.0 can. */
function results(version: SupportedVersion): fc.Arbitrary<CniResult> {
  const newest = version === '1.1.0';
  return optional<object>(
    {
      interfaces: fc.array<object>(newest ? newLink : link, { minLength: 1, maxLength: 3 }),
      ips: fc.array(ip, { maxLength: 3 }),
      routes: fc.array<object>(newest ? newRoute : route, { maxLength: 3 }),
      dns: fc.constant({ nameservers: ['10.0.0.10'] }),
    },
    [],
  ) as fc.Arbitrary<CniResult>;
}

for (const version of supportedVersions) {
  test(`a result written in ${version} reads back unchanged, unknown fields included`, () => {
    fc.assert(
      fc.property(results(version), (result) => {
        const wire: unknown = JSON.parse(JSON.stringify(writeResult(result, version)));
        assert.deepEqual(readResult(wire, version), JSON.parse(JSON.stringify(result)));
      }),
      { numRuns: 200 },
    );
  });

  test(`a result in ${version} passes through the chain byte for byte, except for the order of its fields`, () => {
    fc.assert(
      fc.property(results(version), (result) => {
        const wire = writeResult(result, version);
        assert.deepEqual(writeResult(readResult(wire, version), version), wire);
      }),
      { numRuns: 100 },
    );
  });
}

const full: CniResult = {
  interfaces: [
    {
      name: 'eth0',
      mac: '0a:1b:0a:06:00:05',
      mtu: 1500,
      sandbox: '/run/netns/a',
      socketPath: '/s',
      pciID: '0000:00:01.0',
    },
  ],
  ips: [
    { address: '10.6.0.5/16', gateway: '10.6.0.1', interface: 0 },
    { address: 'fd00:10:6::5/64', interface: 0 },
  ],
  routes: [{ dst: '0.0.0.0/0', gw: '10.6.0.1', mtu: 1400, priority: 5, table: 100, scope: 0, advmss: 1360 }],
};

test('before 1.0.0 every address names its family', () => {
  const { ips } = writeResult(full, '0.4.0') as { ips: { version: string }[] };
  assert.deepEqual(
    ips.map((entry) => entry.version),
    ['4', '6'],
  );
  assert.deepEqual(writeResult(full, '1.0.0').ips, full.ips);
});

test('fields of 1.1.0 are written in 1.1.0 only', () => {
  assert.deepEqual(writeResult(full, '1.1.0'), { cniVersion: '1.1.0', ...full });
  assert.deepEqual(writeResult(full, '1.0.0'), {
    cniVersion: '1.0.0',
    interfaces: [{ name: 'eth0', mac: '0a:1b:0a:06:00:05', sandbox: '/run/netns/a' }],
    ips: full.ips,
    routes: [{ dst: '0.0.0.0/0', gw: '10.6.0.1' }],
  });
});

test('a result of 0.2.0 is read from ip4 and ip6', () => {
  const oldest = {
    cniVersion: '0.2.0',
    ip4: { ip: '10.6.0.5/16', gateway: '10.6.0.1', routes: [{ dst: '0.0.0.0/0' }] },
    ip6: { ip: 'fd00::5/64' },
    dns: { domain: 'cluster.local' },
  };
  assert.deepEqual(readResult(oldest, '0.2.0'), {
    ips: [{ address: '10.6.0.5/16', gateway: '10.6.0.1' }, { address: 'fd00::5/64' }],
    routes: [{ dst: '0.0.0.0/0' }],
    dns: { domain: 'cluster.local' },
  });
});

test('prevResult accepts what the Go types of each version accept', () => {
  const address = '10.6.0.5/16';
  const ips = [{ address }];
  const taken: [unknown, SpecVersion[]][] = [
    [{ ips: [{ address, gateway: '' }] }, ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']],
    [{ ips: [{ address, gateway: null, interface: null }] }, ['0.3.1', '1.0.0']],
    [{ IPs: [{ Address: address, GATEWAY: '' }] }, ['0.4.0', '1.1.0']],
    [{ ips: [{ version: '4', address }] }, ['0.3.0', '0.4.0']],
    [{ ips, interfaces: null, routes: null, dns: null }, ['1.0.0']],
    [{ ips, dns: { nameservers: null, search: '' } }, ['1.0.0']],
    [
      {
        ips,
        routes: [
          { dst: '', gw: '' },
          { dst: '0.0.0.0/0', gw: null, scope: '' },
        ],
      },
      ['1.0.0', '1.1.0'],
    ],
    [{ ips, interfaces: [{ name: '', mac: '', mtu: null, sandbox: '' }] }, ['1.1.0']],
    [{ ips, interfaces: [{ name: 'ib0', mac: '80:00:02:08:fe:80', pciID: 3, mtu: '' }] }, ['1.1.0']],
    [{ ip4: { ip: address, gateway: '', routes: null }, ip6: null }, ['0.1.0', '0.2.0']],
    [{ IP4: { IP: address, Gateway: null } }, ['0.2.0']],
  ];
  for (const [value, versions] of taken) {
    for (const version of versions) {
      const read = readResult(value, version);
      assert.deepEqual(
        read.ips?.map((ip) => [ip.address, ip.gateway]),
        [[address, undefined]],
        `${version} ${JSON.stringify(value)}`,
      );
    }
  }
});

test('a broken prevResult is refused with the name of the field', () => {
  const cases: [object, RegExp][] = [
    [
      { ips: [{ address: '10.6.0.5' }] },
      /^prevResult: ips\[0\]\.address: "10\.6\.0\.5" must be an address with a prefix/,
    ],
    [{ ips: [{ address: '10.6.0.5/16', gateway: 'x' }] }, /ips\[0\]\.gateway: "x" must be an IP address/],
    [
      { interfaces: [{ name: 'eth0' }], ips: [{ address: '10.6.0.5/16', interface: 1 }] },
      /interface 1 is not the index/,
    ],
    [{ interfaces: 'eth0' }, /interfaces: "eth0" must be of type array/],
  ];
  for (const [value, message] of cases)
    assert.throws(() => readResult(value, '1.0.0'), { code: 'INPUT_INVALID', message });
});
