import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '#ip';
import { defaultPool } from './default-pool.ts';
import { PoolLedger } from './ledger.ts';
import { pickAddress } from './pick.ts';
import { pickContext, poolObject, type SpecFields } from './pool-fixture.ts';
import { validatePool } from './validate.ts';
import { poolWarnings } from './warnings.ts';

/** The addresses that pods get from the pool, in order, until it has none. */
function handedOut(spec: SpecFields): { readonly addresses: string[]; readonly total: number } {
  const { gateway: _, ...object } = poolObject('p').spec ?? {};
  const ledger = PoolLedger.read({ metadata: { name: 'p' }, spec: { ...object, ...spec } } as never).copy();
  const addresses: string[] = [];
  for (let pod = 1; pod <= 20; pod++) {
    const owner = { pod: `default/p${pod}`, podUid: `u${pod}`, nic: 'eth0' };
    const { address } = pickAddress(ledger, owner, pickContext());
    if (address === undefined) break;
    ledger.take(address, owner);
    addresses.push(formatAddress(address));
  }
  return { addresses, total: ledger.status.totalIPCount };
}

test('network and broadcast address of an IPv4 pool are neither allocated nor counted', () => {
  const given = { subnet: '10.33.1.0/30', ips: ['10.33.1.0-10.33.1.3'] };
  assert.deepEqual(handedOut(given), { addresses: ['10.33.1.1', '10.33.1.2'], total: 2 });
});

test('a pool of a whole IPv6 /64 does not allocate the subnet-router anycast address', () => {
  const given = { subnet: 'fd00:64::/64', ips: ['fd00:64::-fd00:64::ffff:ffff:ffff:ffff'] };
  assert.equal(handedOut(given).addresses[0], 'fd00:64::1');
});

for (const [subnet, ips, addresses] of [
  ['10.33.2.0/31', ['10.33.2.0-10.33.2.1'], ['10.33.2.0', '10.33.2.1']],
  ['10.33.2.7/32', ['10.33.2.7'], ['10.33.2.7']],
  ['fd00:65::/126', ['fd00:65::-fd00:65::3'], ['fd00:65::1', 'fd00:65::2', 'fd00:65::3']],
  ['fd00:65::/127', ['fd00:65::-fd00:65::1'], ['fd00:65::', 'fd00:65::1']],
  ['fd00:65::7/128', ['fd00:65::7'], ['fd00:65::7']],
] as const) {
  test(`a pool of ${subnet} allocates ${addresses.join(', ')}`, () => {
    assert.deepEqual(handedOut({ subnet, ips: [...ips] }).addresses, addresses);
  });
}

test('a pod that has the broadcast address already keeps it', () => {
  const records = { '10.6.255.255': { pod: 'default/a', podUid: 'a', nic: 'eth0' } };
  const ledger = PoolLedger.read(poolObject('p', { ips: ['10.6.255.254-10.6.255.255'] }, records));
  const owner = { pod: 'default/a', podUid: 'a', nic: 'eth0' };
  const pick = pickAddress(ledger, owner, pickContext());
  assert.equal(pick.address && formatAddress(pick.address), '10.6.255.255');
});

test('a pool of only a broadcast address is refused, but a stored one may be written again', () => {
  const spec = { subnet: '10.34.1.0/24', ips: ['10.34.1.255'], gateway: '10.34.1.1' };
  const pool = defaultPool(poolObject('p', spec));
  const [issue] = validatePool(pool, [], { families: [4, 6] });
  assert.equal(issue?.field, 'spec.ips');
  assert.match(
    issue?.message ?? '',
    /no pod can get an address: 10\.34\.1\.255 is the broadcast address of spec\.subnet 10\.34\.1\.0\/24/,
  );
  assert.deepEqual(validatePool(pool, [], { old: pool, families: [4, 6] }), []);
});

test('a pool that excludes its unusable addresses gets no warning', () => {
  assert.deepEqual(poolWarnings(poolObject('p')), []);
  const spec = { subnet: 'fd00:64::/64', ips: ['fd00:64::-fd00:64::5'], gateway: 'fd00:64::a' };
  assert.deepEqual(poolWarnings(poolObject('p', spec)), [
    'spec.ips: fd00:64:: is the subnet-router anycast address of spec.subnet fd00:64::/64, so no pod gets it and it is not counted',
  ]);
});
