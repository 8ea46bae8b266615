import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SPIDERPOOL_FINALIZER, type SpiderIPPool } from '#api';
import { defaultPool, defaultReservedIP, POOL_CIDR_LABEL } from './default-pool.ts';
import { parsePool } from './pool.ts';
import { poolObject, type SpecFields } from './pool-fixture.ts';
import { reservedAddresses } from './reserved.ts';
import { validatePool, validatePoolDeletion, validateReservedIP } from './validate.ts';

const stored = (name: string, spec: SpecFields = {}, records: object = {}) =>
  defaultPool(poolObject(name, spec, records));
const issues = (spec: SpecFields, others: SpiderIPPool[] = [], old?: SpiderIPPool) =>
  validatePool(defaultPool(poolObject('p', spec), old), others, { old, families: [4, 6] }).map(
    ({ field, message }) => `${field}: ${message}`,
  );

test('admission adds version, finalizer and label, merges ranges and makes the subnet canonical', () => {
  const pool = defaultPool(
    poolObject('p', { subnet: '10.6.0.1/16', ips: ['10.6.0.11', '10.6.0.10', '10.6.0.12-10.6.0.13'] }),
  );
  assert.equal(pool.spec?.subnet, '10.6.0.0/16');
  assert.equal(pool.spec?.ipVersion, 4);
  assert.deepEqual(pool.spec?.ips, ['10.6.0.10-10.6.0.13']);
  assert.deepEqual(pool.metadata.finalizers, [SPIDERPOOL_FINALIZER]);
  assert.equal(pool.metadata.labels?.[POOL_CIDR_LABEL], '10-6-0-0-16');
  assert.deepEqual(defaultPool(pool), pool);
});

for (const [name, spec, expected] of [
  ['no CIDR', { subnet: '10.6.0.0' }, /^spec.subnet: invalid CIDR/],
  ['an address outside the subnet', { ips: ['10.7.0.5'] }, /^spec.ips\[0\]: not match base subnet/],
  [
    'a CIDR in place of a range',
    { ips: ['10.6.0.0/24'] },
    /^spec.ips\[0\]: invalid IP range format in IPv4 '10.6.0.0\/24'/,
  ],
  ['a gateway outside the subnet', { gateway: '10.7.0.1' }, /^spec.gateway: must be inside spec.subnet/],
  ['a gateway among its addresses', { gateway: '10.6.0.10' }, /^spec.gateway: is in spec.ips/],
  [
    'a default route',
    { routes: [{ dst: '0.0.0.0/0', gw: '10.6.0.2' }] },
    /^spec.routes\[0\].dst: please specify 'spec.gateway'/,
  ],
  [
    'two routes to one destination',
    {
      routes: [
        { dst: '10.9.0.0/16', gw: '10.6.0.2' },
        { dst: '10.9.0.1/16', gw: '10.6.0.3' },
      ],
    },
    /^spec.routes\[1\].dst: duplicate/,
  ],
  [
    'a route gateway outside the subnet',
    { routes: [{ dst: '10.9.0.0/16', gw: '10.9.0.2' }] },
    /^spec.routes\[0\].gw: must be inside/,
  ],
  ['an empty podAffinity', { podAffinity: {} }, /^spec.podAffinity: empty podAffinity/],
  ['the wrong ipVersion', { ipVersion: 6 as const }, /^spec.ipVersion: must be 4/],
] as const) {
  test(`a pool with ${name} is refused, and a stored one is not used`, () => {
    const found = issues(spec as SpecFields);
    assert.equal(found.length, 1, found.join());
    assert.match(found[0] ?? '', expected);
    if (name !== 'an empty podAffinity')
      assert.throws(() => parsePool(poolObject('p', spec as SpecFields)), { code: 'IPPOOL_INVALID' });
  });
}

test('a gateway among the addresses is accepted when it is excluded', () => {
  assert.deepEqual(issues({ gateway: '10.6.0.10', excludeIPs: ['10.6.0.10'] }), []);
});

test('pools may share a subnet but no address, and different subnets must not overlap', () => {
  assert.deepEqual(issues({}, [stored('q', { ips: ['10.6.0.30'] })]), []);
  assert.match(
    issues({}, [stored('q', { ips: ['10.6.0.19-10.6.0.22'] })])[0] ?? '',
    /IPPool q in IP ranges \[10.6.0.19\]/,
  );
  assert.match(
    issues({}, [stored('q', { subnet: '10.6.0.0/24' })])[0] ?? '',
    /^spec.subnet: overlap with IPPool q/,
  );
});

test('two stored pools that share an address may be repaired step by step, and share no more', () => {
  const others = [stored('q', { ips: ['10.6.0.18-10.6.0.30'] })];
  const old = stored('p');
  const changed = (ips: string[]) => validatePool(stored('p', { ips }), others, { old, families: [4, 6] });
  assert.deepEqual(changed(['10.6.0.10-10.6.0.18']), []);
  assert.match(changed(['10.6.0.10-10.6.0.20'])[0]?.message ?? '', /in IP ranges \[10\.6\.0\.20\]/);
});

test('an allocated address cannot be removed from a pool, and a free one can', () => {
  const old = stored('p', {}, { '10.6.0.12': { pod: 'ns/a', podUid: 'a' } });
  assert.deepEqual(issues({ ips: ['10.6.0.12'] }, [old], old), []);
  assert.match(
    issues({ excludeIPs: ['10.6.0.12'] }, [old], old)[0] ?? '',
    /^spec.ips: remove IP ranges \[10.6.0.12\] that is being used/,
  );
});

test('the subnet never changes, but may be written with host bits again', () => {
  const old = stored('p');
  assert.deepEqual(issues({ subnet: '10.6.0.1/16' }, [old], old), []);
  assert.match(issues({ subnet: '10.6.0.0/17' }, [old], old)[0] ?? '', /^spec.subnet: is not changeable/);
});

test('a terminating pool keeps its spec, and a pool in use waits for its deletion, or it is refused', () => {
  const old = stored('p');
  const going: SpiderIPPool = {
    ...old,
    metadata: { ...old.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
  };
  const changed = poolObject('p', { disable: true }).spec;
  assert.deepEqual(validatePool(going, [], { old, families: [4] }), []);
  assert.equal(
    validatePool({ ...going, spec: changed }, [], { old, families: [4] })[0]?.message,
    'cannot update a terminating IPPool',
  );
  const held = { ...old, status: { allocatedIPCount: 1 } };
  assert.equal(validatePoolDeletion(held).length, 0);
  assert.equal(validatePoolDeletion({ ...held, metadata: { name: 'p' } }).length, 1);
});

test('a reservation gets its version from its first address and excludes its addresses from all pools', () => {
  const reserved = defaultReservedIP({ metadata: { name: 'r' }, spec: { ips: ['10.6.0.12', '10.6.0.11'] } });
  assert.deepEqual(reserved.spec, { ipVersion: 4, ips: ['10.6.0.11-10.6.0.12'] });
  assert.deepEqual(validateReservedIP(reserved, { families: [4] }), []);
  assert.deepEqual(reservedAddresses([reserved])[4].format(), ['10.6.0.11-10.6.0.12']);
  const mixed = { metadata: { name: 'r' }, spec: { ips: ['10.6.0.12', 'fd00::1'] } };
  assert.equal(validateReservedIP(defaultReservedIP(mixed), { families: [4] })[0]?.field, 'spec.ips[1]');
  assert.throws(() => reservedAddresses([mixed]), { code: 'IPPOOL_INVALID' });
});
