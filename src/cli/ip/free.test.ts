// What `orbctl ip free` says of a pool.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { resources } from '#api';
import { FakeClock } from '#base/testing';
import { parseAddress } from '#ip';
import { QUARANTINE_ANNOTATION, quarantineText } from '#plan/ipam';
import { AskedCluster, recordOf } from '../cluster-fixture.ts';
import { runFree } from './index.ts';

const clock = new FakeClock(Date.parse('2026-06-01T12:00:00Z'));
let kube: AskedCluster;
const say = async (pool: string) => {
  const { text, exitCode } = await runFree(kube.reader(), clock, pool, { output: 'text' });
  return { lines: text.split('\n'), exitCode };
};
const json = async (pool: string) => {
  const { text } = await runFree(kube.reader(), clock, pool, { output: 'json' });
  return JSON.parse(text) as Record<string, { count: number; ranges: string[] }> & { incomplete: string[] };
};

/** A node whose agent tells of addresses in quarantine until then. */
async function node(name: string, told: Readonly<Record<string, string>>): Promise<void> {
  const entries = Object.entries(told).map(([address, until]) => ({
    ...{ address: parseAddress(address), mac: '0a:00:00:00:00:99', untilMs: Date.parse(until) },
  }));
  const annotations = { [QUARANTINE_ANNOTATION]: quarantineText(entries) };
  await kube.put(resources.nodes, { metadata: { name, annotations } });
}

beforeEach(async () => {
  kube = new AskedCluster();
  await kube.pod('web');
  const set = {
    metadata: { name: 'db', namespace: 'ns', uid: 'set' },
    spec: { replicas: 1, selector: {}, template: {} },
  };
  await kube.create(resources.statefulSets, set as never);
  await kube.endpoint('db-0', ['StatefulSet', 'db']);
  await kube.pool(
    'p',
    { ips: ['10.6.0.0-10.6.0.9'], excludeIPs: ['10.6.0.8'] },
    { '10.6.0.1': recordOf('web'), '10.6.0.2': recordOf('db-0'), '10.6.0.3': recordOf('lost') },
  );
  await kube.put(resources.spiderReservedIPs, {
    metadata: { name: 'r' },
    spec: { ips: ['10.6.0.9', '10.7.0.1'] },
  });
  await node('node1', {
    '10.6.0.5': '2026-06-01T12:05:00Z',
    '10.6.0.6': '2026-06-01T11:59:59Z',
    'fd00:1::1': '2026-06-01T12:05:00Z',
  });
});

test('says which addresses are free, and why each of the others is not', async () => {
  const { lines, exitCode } = await say('p');
  assert.equal(exitCode, 0);
  assert.deepEqual(lines, [
    'pool p (10.6.0.0/24): 3 of 8 addresses are free',
    'STATE        COUNT  ADDRESSES                   WHY',
    'free         3      10.6.0.4 10.6.0.6-10.6.0.7',
    'held         1      10.6.0.1                    by pods',
    'kept         1      10.6.0.2                    for a pod with a fixed address',
    'left         1      10.6.0.3                    by a pod that is gone: see orbctl gc --dry-run',
    'quarantined  1      10.6.0.5                    another machine uses it',
    'reserved     1      10.6.0.9                    by a SpiderReservedIP',
    'excluded     1      10.6.0.8                    by spec.excludeIPs',
    'unusable     1      10.6.0.0                    the network or broadcast address',
    '10.6.0.2: pod ns/db-0 is gone, but StatefulSet db keeps the address of ordinal 0',
    '10.6.0.3: pod ns/lost is gone, and it has no SpiderEndpoint, but no node says whether its sandbox is gone',
    '10.6.0.5: 0a:00:00:00:00:99 uses it, seen from node node1; in quarantine until 2026-06-01T12:05:00Z',
    'An address that a pod gave back less than 30 seconds ago counts as free and is taken last. Only agents know which.',
  ]);
});

test('says the same as JSON, with all ranges', async () => {
  const { free, kept, incomplete } = await json('p');
  assert.deepEqual(free, { count: 3, ranges: ['10.6.0.4', '10.6.0.6-10.6.0.7'] });
  assert.deepEqual([kept?.ranges, incomplete], [['10.6.0.2'], []]);
});

test('ends with 1 for a pool without a free address and for one that is disabled', async () => {
  await kube.pool('full', { ips: ['10.6.0.1'] }, { '10.6.0.1': recordOf('web') });
  assert.equal((await say('full')).exitCode, 1);
  await kube.pool('off', { disable: true });
  const { lines, exitCode } = await say('off');
  assert.deepEqual([lines[1], exitCode], ['no pod gets one now: disabled IPPool off', 1]);
});

test('without the right to read pods, nodes or reservations, it answers and says what is missing', async () => {
  for (const plural of ['pods', 'nodes', 'spiderreservedips']) kube.forbidden.add(plural);
  const { lines } = await say('p');
  assert.match(lines.join('\n'), /^free +5 .*\nheld +3 /m);
  const missing = lines.filter((line) => line.startsWith('not complete: '));
  assert.equal(missing.length, 3);
  assert.match(missing.join('\n'), /pods that are gone, because pods and their owners cannot be read: .*403/);
});

test('names a pool that does not exist or cannot be read', async () => {
  await assert.rejects(say('none'), { code: 'KUBE_NOT_FOUND' });
  await kube.pool('bad', { ips: ['10.9.0.1'] });
  await assert.rejects(say('bad'), { code: 'IPPOOL_INVALID' });
});

test('counts a network of IPv6 and a pool of 5,000 holders without going through addresses', async () => {
  await kube.pool('six', { subnet: 'fd00::/64', ips: ['fd00::1-fd00::ffff:ffff:ffff:ffff'] });
  assert.equal(
    (await say('six')).lines[0],
    `pool six (fd00::/64): ${2n ** 64n - 1n} of ${2n ** 64n - 1n} addresses are free`,
  );
  assert.equal((await json('six')).free?.count, Number.MAX_SAFE_INTEGER);
  const records = Array.from(
    { length: 5000 },
    (_, n) => [`10.6.${n >> 7}.${(n & 127) * 2}`, recordOf('web')] as const,
  );
  await kube.pool(
    'big',
    { subnet: '10.6.0.0/16', ips: ['10.6.0.0-10.6.199.255'] },
    Object.fromEntries(records),
  );
  const { lines } = await say('big');
  assert.match(lines.join('\n'), /^held +5000 +10\.6\.0\.0 10\.6\.0\.2 .* … 4996 more/m);
});
