import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type SpiderIPPool, type SpiderSubnet } from '#api';
import { subnetOverlapNote, subnetOverlaps } from './subnet-overlap.ts';

interface Facts {
  readonly second?: number;
  readonly used?: number;
  readonly marked?: string;
}

const subnet = (
  name: string,
  spec: { subnet: string; ips?: string[] },
  { second = 0, used = 0, marked }: Facts = {},
): SpiderSubnet =>
  resources.spiderSubnets.schema.parse({
    metadata: { name, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
    spec: { ips: [], ...spec },
    status: {
      allocatedIPCount: used,
      ...(marked !== undefined && {
        conditions: [{ type: 'Overlapping', status: 'True', reason: marked, message: 'as before' }],
      }),
    },
  });
const pool = (name: string, spec: { subnet: string; ips: string[] }): SpiderIPPool =>
  resources.spiderIPPools.schema.parse({ metadata: { name }, spec });

const wide = { subnet: '10.6.0.0/16', ips: ['10.6.0.1-10.6.0.99'] };
const narrow = { subnet: '10.6.9.0/24', ips: ['10.6.9.1-10.6.9.9'] };
const told = (subnets: SpiderSubnet[], pools: SpiderIPPool[] = []) =>
  Array.from(subnetOverlaps(subnets, pools), ([name, { reason }]) => `${name} ${reason}`);

test('the younger of two subnets whose networks overlap is left out, and the note names the older one', () => {
  const found = subnetOverlaps([subnet('b', wide, { second: 1 }), subnet('a', narrow, { second: 2 })], []);
  assert.deepEqual(
    [...found],
    [
      [
        'a',
        {
          reason: 'NetworkOfAnotherSubnet',
          message:
            "overlap with Subnet b which 'spec.subnet' is 10.6.0.0/16: no IPPool gets new addresses of this Subnet until this is solved",
        },
      ],
    ],
  );
});

test('of subnets of the same second the one in use stays, then the first by name, and a marked one stays marked', () => {
  const marked = 'NetworkOfAnotherSubnet';
  assert.deepEqual(told([subnet('a', wide), subnet('b', narrow, { used: 1 })]), [`a ${marked}`]);
  assert.deepEqual(told([subnet('b', wide), subnet('a', narrow)]), [`b ${marked}`]);
  assert.deepEqual(told([subnet('a', wide, { marked }), subnet('b', wide, { second: 5 })]), [`a ${marked}`]);
  const other = subnet('a', wide, { marked: 'AddressesOfAnotherPool' });
  assert.deepEqual(told([other, subnet('b', wide, { second: 5 })]), [`b ${marked}`]);
});

test('a subnet tells of addresses that a pool of another network has, and is not left out', () => {
  const inside = pool('p', { subnet: '10.6.0.0/24', ips: ['10.6.0.5-10.6.0.6', '10.6.0.200'] });
  const found = subnetOverlaps([subnet('a', wide)], [inside]).get('a');
  assert.deepEqual(found, {
    reason: 'AddressesOfAnotherPool',
    message:
      "overlap with IPPool p in IP ranges [10.6.0.5-10.6.0.6], which has another 'spec.subnet': no automatic IPPool gets these addresses",
  });
  const stored = subnet('a', wide, { marked: 'AddressesOfAnotherPool' });
  assert.equal(subnetOverlapNote(stored), undefined);
});

test('own pools, other families, other addresses and unreadable objects overlap with nothing', () => {
  const own = pool('own', { subnet: '10.6.0.0/16', ips: ['10.6.0.5'] });
  const beside = pool('beside', { subnet: '10.6.0.0/24', ips: ['10.6.0.200'] });
  const six = pool('six', { subnet: 'fd00::/64', ips: ['fd00::5'] });
  const broken = pool('broken', { subnet: 'none', ips: ['10.6.0.5'] });
  assert.deepEqual(told([subnet('a', wide)], [own, beside, six, broken]), []);
  assert.deepEqual(told([subnet('a', wide), subnet('b', { subnet: 'none' })]), []);
  assert.deepEqual(told([subnet('a', wide), subnet('b', { subnet: '10.7.0.0/16' })]), []);
  assert.deepEqual(told([subnet('a', wide), subnet('b', { subnet: 'fd00::/64' })]), []);
});
