// What `orbctl pool top` shows.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { resources } from '#api';
import { AskedCluster, recordOf } from '../cluster-fixture.ts';
import { runTop } from './index.ts';

let kube: AskedCluster;
const flags = { output: 'text', limit: 10 } as const;
const say = async (names: readonly string[] = [], limit = 10) =>
  (await runTop(kube.reader(), names, { ...flags, limit })).split('\n');

beforeEach(async () => {
  kube = new AskedCluster();
  await kube.pool('empty');
  await kube.pool(
    'full',
    { ips: ['10.6.0.1-10.6.0.4'] },
    {
      ...{ '10.6.0.1': recordOf('web-1'), '10.6.0.2': recordOf('web-2'), '10.6.0.3': recordOf('db-0') },
      '10.6.0.4': { pod: 'other/x', podUid: 'x' },
    },
  );
  await kube.pool('none', { ips: [], disable: true });
  await kube.endpoint('web-1', ['StatefulSet', 'web']);
  await kube.endpoint('web-2', ['StatefulSet', 'web']);
  await kube.endpoint('db-0', ['Deployment', 'db']);
  await kube.put(resources.spiderReservedIPs, { metadata: { name: 'r' }, spec: { ips: ['10.6.0.9'] } });
});

test('shows the fullest pool first, then namespaces and applications by their addresses', async () => {
  assert.deepEqual(await say(), [
    'POOL   SUBNET       HELD  FREE  TOTAL  USE      NOTE',
    'full   10.6.0.0/24  4     0     4      100.0 %',
    'empty  10.6.0.0/24  0     8     9      0.0 %',
    'none   10.6.0.0/24  0     0     0      -        disabled IPPool none',
    '',
    'NAMESPACE  HELD  OF ALL',
    'ns         3     75.0 %',
    'other      1     25.0 %',
    '',
    'APPLICATION         HELD  OF ALL',
    'StatefulSet ns/web  2     50.0 %',
    'Deployment ns/db    1     25.0 %',
  ]);
});

test('shows only the named pools, and only so many rows', async () => {
  assert.match((await say(['empty'])).join('\n'), /^POOL.*\nempty .*\nno pod holds an address$/);
  const few = await say([], 1);
  assert.deepEqual([few[2], few.filter((line) => line.startsWith('… and')).length], ['… and 2 more', 3]);
  await assert.rejects(say(['ful']), /there is no pool ful that can be read; did you mean full\?/);
});

test('leaves out a pool that cannot be read and applications that the user may not see, and says so', async () => {
  await kube.pool('bad', { ips: ['nonsense'] });
  await kube.put(resources.spiderReservedIPs, { metadata: { name: 'odd' }, spec: { ips: ['nonsense'] } });
  kube.forbidden.add('spiderendpoints');
  const text = (await say()).join('\n');
  assert.doesNotMatch(text, /^APPLICATION|^bad/m);
  assert.match(text, /^not complete: pool bad is left out: IPPool bad cannot be used/m);
  assert.match(text, /^not complete: SpiderReservedIP odd cannot be read: spec\.ips\[0\]/m);
  assert.match(text, /^not complete: applications are not known, because .*403/m);
});

test('says the same as JSON, with every row', async () => {
  const text = await runTop(kube.reader(), [], { output: 'json', limit: 1 });
  const { pools, namespaces, applications, incomplete } = JSON.parse(text) as Record<string, object[]>;
  assert.deepEqual(pools?.[0], {
    ...{ pool: 'full', subnet: '10.6.0.0/24', held: 4, free: 0, total: 4, percent: 100, closed: null },
  });
  assert.equal(pools?.length, 3);
  assert.deepEqual(namespaces?.[1], { namespace: 'other', addresses: 1 });
  assert.deepEqual(applications?.[0], { namespace: 'ns', application: 'StatefulSet web', addresses: 2 });
  assert.deepEqual(incomplete, []);
});
