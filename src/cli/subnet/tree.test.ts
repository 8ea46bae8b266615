// What `orbctl subnet tree` shows.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { resources } from '#api';
import { AskedCluster, recordOf } from '../cluster-fixture.ts';
import { runTree } from './index.ts';

let kube: AskedCluster;
const say = async (name?: string) => (await runTree(kube.reader(), name, { output: 'text' })).split('\n');
const automatic = {
  'ipam.spidernet.io/owner-spider-subnet': 'lan',
  'ipam.spidernet.io/owner-application-gv': 'apps_v1',
  'ipam.spidernet.io/owner-application-kind': 'Deployment',
  'ipam.spidernet.io/owner-application-namespace': 'ns',
  'ipam.spidernet.io/owner-application-name': 'web',
  'ipam.spidernet.io/interface': 'eth0',
};

beforeEach(async () => {
  kube = new AskedCluster();
  const controlledIPPools = JSON.stringify({
    'auto-web': { ips: ['10.6.0.11-10.6.0.14'], application: 'apps_v1_Deployment_ns_web' },
    'by-hand': { ips: ['10.6.0.1-10.6.0.9'] },
    soon: { ips: ['10.6.0.20'] },
  });
  await kube.put(resources.spiderSubnets, {
    metadata: { name: 'lan' },
    spec: { subnet: '10.6.0.0/24', ips: ['10.6.0.1-10.6.0.100'] },
    status: { controlledIPPools },
  });
  await kube.pool('by-hand', {}, { '10.6.0.1': recordOf('x') });
  const records = { '10.6.0.11': recordOf('web-1'), '10.6.0.12': recordOf('web-2') };
  await kube.pool('auto-web', { ips: ['10.6.0.11-10.6.0.14'] }, records, { labels: automatic });
  await kube.pool('elsewhere', {
    subnet: 'fd00::/64',
    ips: ['fd00::1-fd00::ffff:ffff:ffff:ffff'],
    disable: true,
  });
});

test('shows each subnet with its pools and applications, and pools of other networks last', async () => {
  assert.deepEqual(await say(), [
    'lan (10.6.0.0/24): 100 addresses, 14 in 3 pools, 86 free',
    '├─ auto-web: Deployment ns/web, NIC eth0: 4 addresses, 2 held (50.0 %)',
    '├─ by-hand: 9 addresses, 1 held (11.1 %)',
    '└─ soon – the subnet keeps addresses for it, but it does not exist (yet)',
    'pools without a subnet',
    `└─ elsewhere: ${2n ** 64n - 1n} addresses, 0 held (0.0 %) – it is disabled`,
  ]);
  assert.equal((await say('lan')).length, 4);
  await assert.rejects(say('lam'), /there is no subnet lam that can be read; did you mean lan\?/);
});

test('names what cannot be read, and shows the rest', async () => {
  await kube.put(resources.spiderSubnets, {
    metadata: { name: 'broken' },
    spec: { subnet: '10.7.0.0/24' },
    status: { controlledIPPools: '{' },
  });
  await kube.pool('bad', { ips: ['10.9.0.1'] });
  const lines = await say();
  assert.match(lines[0] ?? '', /^broken – SpiderSubnet broken status\.controlledIPPools/);
  assert.match(lines.join('\n'), /^[├└]─ bad – IPPool bad cannot be used: spec\.ips\[0\]/m);
  assert.match(lines.join('\n'), /^lan \(/m);
  kube.forbidden.add('spiderippools');
  const few = await say('lan');
  assert.match(few.at(-1) ?? '', /^not complete: pools are left out, because they cannot be read: .*403/);
});

test('says the same as JSON', async () => {
  const { subnets, others, incomplete } = JSON.parse(
    await runTree(kube.reader(), undefined, { output: 'json' }),
  ) as Record<string, Record<string, unknown>[]>;
  assert.deepEqual(subnets?.[0]?.pools, [
    ...[
      { pool: 'auto-web', application: 'Deployment ns/web', nic: 'eth0', total: 4, held: 2, problem: null },
    ],
    { pool: 'by-hand', application: null, nic: null, total: 9, held: 1, problem: null },
    {
      ...{ pool: 'soon', application: null, nic: null, total: null, held: null },
      problem: 'the subnet keeps addresses for it, but it does not exist (yet)',
    },
  ]);
  assert.deepEqual([subnets?.[0]?.taken, others?.length, incomplete], [14, 1, []]);
});

test('says that there is nothing where there is nothing', async () => {
  kube = new AskedCluster();
  assert.deepEqual(await say(), ['there are no subnets and no pools']);
});
