// What `orbctl ip history` tells of an address.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { resources } from '#api';
import { FakeClock } from '#base/testing';
import { AskedCluster, recordOf } from '../cluster-fixture.ts';
import { runHistory } from './index.ts';

const clock = new FakeClock(Date.parse('2026-06-01T12:00:00Z'));
let kube: AskedCluster;
const say = async (address: string) => {
  const { text, exitCode } = await runHistory(kube.reader(), clock, address, { output: 'text' });
  return { lines: text.split('\n'), exitCode };
};

async function event(name: string, message: string, more: object = {}): Promise<void> {
  await kube.put(resources.events, {
    metadata: { name, namespace: 'ns', creationTimestamp: '2026-06-01T10:59:00Z' },
    involvedObject: { kind: 'Pod', name: 'old', namespace: 'ns' },
    ...{ type: 'Warning', reason: 'IPConflict', message, ...more },
  });
}

beforeEach(async () => {
  kube = new AskedCluster();
  await kube.pod('web');
  await kube.pod('done', { status: { phase: 'Succeeded', podIP: '10.6.0.1' } });
  await kube.pool('p', {}, { '10.6.0.1': recordOf('web') });
  await kube.endpoint('web', ['Deployment', 'web'], [{ interface: 'eth0', ipv4: '10.6.0.1/24', vlan: 0 }]);
  await kube.endpoint('other', ['Deployment', 'web'], [{ interface: 'eth0', ipv4: '10.6.0.10/24', vlan: 0 }]);
  await event('a', 'address 10.6.0.1 of interface\n eth0 is in use.', {
    count: 3,
    lastTimestamp: '2026-06-01T10:00:00Z',
  });
  await event('b', 'it said 10.6.0.10, 110.6.0.1 and 10.6.0.1.5');
  await event('c', 'the address is 10.6.0.1.', { eventTime: '2026-06-01T12:00:00.000000Z' });
});

test('tells the present holder, then pods, endpoints and Events in the order of time, and what nobody knows', async () => {
  const { lines, exitCode } = await say('10.6.0.1');
  assert.equal(exitCode, 0);
  assert.match(lines[0] ?? '', /^10\.6\.0\.1 is held by pod ns\/web, UID uid-web, NIC eth0: pool p/);
  assert.deepEqual(lines.slice(1, 6), [
    'TIME                  OBJECT                 WHAT',
    '2026-06-01T10:00:00Z  Pod ns/old             Warning IPConflict (3 times): address 10.6.0.1 of interface eth0 is in use.',
    '2026-06-01T11:00:00Z  Pod ns/done            was created; its status shows the address, on node node1; it has finished',
    '2026-06-01T11:00:05Z  SpiderEndpoint ns/web  was created; it shows the address on eth0, on node node1',
    '2026-06-01T12:00:00Z  Pod ns/old             Warning IPConflict: the address is 10.6.0.1.',
  ]);
  assert.match(lines[6] ?? '', /^Pools record the present holder alone\./);
});

test('ends with 1 when nothing is known, and without rights it says what is missing', async () => {
  const nothing = await say('10.6.0.99');
  assert.equal(nothing.exitCode, 1);
  assert.equal(nothing.lines[1], 'nothing is known of earlier holders');
  for (const plural of ['events', 'spiderendpoints', 'pods']) kube.forbidden.add(plural);
  const { lines, exitCode } = await say('10.6.0.1');
  assert.equal(exitCode, 0);
  assert.match(lines[0] ?? '', /whether the pod is there is not known$/);
  assert.equal(lines.filter((line) => line.startsWith('not complete: ')).length, 4);
});

test('finds an IPv6 address in any spelling, as JSON', async () => {
  await kube.pool('six', { subnet: 'fd00::/64', ips: ['fd00::1-fd00::9'] });
  await event('d', 'address fd00::1 of interface eth0: taken; not fd00::12');
  await event('e', 'address fd00::12 is another one');
  const { text } = await runHistory(kube.reader(), clock, 'FD00:0::01', { output: 'json' });
  const { address, now, entries, incomplete } = JSON.parse(text) as Record<string, object[]>;
  assert.deepEqual([address, now?.length, incomplete], ['fd00::1', 1, []]);
  assert.deepEqual(entries, [
    {
      ...{ time: '2026-06-01T10:59:00Z', source: 'event', object: 'Pod ns/old' },
      what: 'Warning IPConflict: address fd00::1 of interface eth0: taken; not fd00::12',
    },
  ]);
});

test('refuses what is no address', async () => {
  await assert.rejects(say('web'), /ADDRESS "web": allowed is an IPv4 or IPv6 address/);
});
