// What `orbctl ip who` says of an address.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { resources } from '#api';
import { FakeClock } from '#base/testing';
import { parseAddress } from '#ip';
import { FakeKube } from '#kube/testing';
import { QUARANTINE_ANNOTATION, quarantineText } from '#plan/ipam';
import { PartialReader } from '../partial-reader.ts';
import { runWho } from './index.ts';

const clock = new FakeClock(Date.parse('2026-06-01T12:00:00Z'));
let kube: FakeKube;
const ask = (address: string, output: 'text' | 'json') =>
  runWho(new PartialReader(() => kube), clock, address, { output });
const say = (address: string) => ask(address, 'text');

async function pool(name: string, spec: object, records: object = {}): Promise<void> {
  const whole = { subnet: '10.6.0.0/24', ips: ['10.6.0.1-10.6.0.9'], ...spec };
  const status = { allocatedIPs: JSON.stringify(records) };
  const object = { metadata: { name }, spec: whole, status };
  await kube.create(resources.spiderIPPools, resources.spiderIPPools.schema.parse(object));
}

beforeEach(async () => {
  kube = new FakeKube();
  const pod = {
    metadata: { name: 'web', namespace: 'ns', uid: 'u1' },
    spec: { nodeName: 'node1', containers: [] },
  };
  await kube.create(resources.pods, resources.pods.schema.parse(pod));
  await pool(
    'p',
    { excludeIPs: ['10.6.0.5'] },
    {
      '10.6.0.1': { pod: 'ns/web', podUid: 'u1', nic: 'eth0' },
      '10.6.0.2': { pod: 'ns/web', podUid: 'u0' },
      '10.6.0.3': { pod: 'ns/lost', podUid: 'u2', nic: 'net1' },
    },
  );
  const reserved = { metadata: { name: 'r' }, spec: { ips: ['10.6.0.6'] } };
  await kube.create(resources.spiderReservedIPs, resources.spiderReservedIPs.schema.parse(reserved));
});

test('names the pod that holds an address, and whether it is still there', async () => {
  const place = 'pool p (10.6.0.0/24)';
  const web = 'is held by pod ns/web, UID';
  assert.equal(await say('10.6.0.1'), `10.6.0.1 ${web} u1, NIC eth0: ${place}; the pod is on node node1`);
  assert.equal(await say('10.6.0.2'), `10.6.0.2 ${web} u0: ${place}; a newer pod has this name now`);
  assert.match(await say('10.6.0.3'), /pod ns\/lost, UID u2, NIC net1: .*; the pod is gone$/);
});

test('says why nobody holds an address', async () => {
  assert.match(await say('10.6.0.4'), /^10\.6\.0\.4 is free: pool p/);
  assert.match(await say('10.6.0.5'), /is excluded by spec\.excludeIPs: pool p/);
  assert.match(await say('10.6.0.6'), /is reserved by a SpiderReservedIP: pool p/);
  assert.match(await say('10.6.0.77'), /is not in spec\.ips: pool p/);
  assert.equal(await say('10.9.0.1'), '10.9.0.1 is in the subnet of no pool that can be read');
});

test('names the machine that uses an address, until its quarantine ends', async () => {
  const told = (address: string, until: string) => ({
    ...{ address: parseAddress(address), mac: '0a:00:00:00:00:99', untilMs: Date.parse(until) },
  });
  const text = quarantineText([
    told('10.6.0.4', '2026-06-01T12:10:00Z'),
    told('10.6.0.8', '2026-06-01T12:00:00Z'),
  ]);
  const metadata = { name: 'node1', annotations: { [QUARANTINE_ANNOTATION]: text } };
  await kube.create(resources.nodes, resources.nodes.schema.parse({ metadata }));
  assert.deepEqual((await say('10.6.0.4')).split('\n'), [
    '10.6.0.4 is given to no pod, because another machine uses it: pool p (10.6.0.0/24)',
    '0a:00:00:00:00:99 uses 10.6.0.4, seen from node node1; in quarantine until 2026-06-01T12:10:00Z',
  ]);
  const { pools, rivals } = JSON.parse(await ask('10.6.0.4', 'json')) as Record<string, object[]>;
  assert.deepEqual(
    [pools?.map((one) => 'state' in one && one.state), rivals],
    [['quarantined'], [{ mac: '0a:00:00:00:00:99', node: 'node1', until: '2026-06-01T12:10:00Z' }]],
  );
  assert.match(await say('10.6.0.8'), /^10\.6\.0\.8 is free: pool p \S+$/);
});

test('names both pools of an address, a disabled one and one that cannot be read', async () => {
  await pool('q', { disable: true });
  await kube.create(resources.spiderIPPools, {
    metadata: { name: 'bad' },
    spec: { subnet: 'nonsense', default: false, disable: false },
  });
  const lines = (await say('10.6.0.4')).split('\n');
  assert.equal(lines.length, 3);
  assert.match(
    lines.join('\n'),
    /is free: pool p.*\n.*is free: pool q .*; disabled IPPool q\npool bad cannot/,
  );
});

test('says the same as JSON', async () => {
  const { address, pools, unreadable } = JSON.parse(await ask('10.6.0.1', 'json')) as Record<string, unknown>;
  assert.deepEqual([address, unreadable], ['10.6.0.1', []]);
  assert.deepEqual(pools, [
    {
      ...{ pool: 'p', subnet: '10.6.0.0/24', state: 'held', closed: null, pod: 'ns/web', podUid: 'u1' },
      ...{ nic: 'eth0', podState: 'present', node: 'node1' },
    },
  ]);
});

test('refuses what is no address', async () => {
  await assert.rejects(say('10.6.0.0/24'), /ADDRESS "10\.6\.0\.0\/24": allowed is an IPv4 or IPv6 address/);
});

test('goes on when a SpiderReservedIP cannot be read, and says which', async () => {
  for (const [name, ips] of Object.entries({ text: ['nonsense'], shape: 'all' })) {
    await kube.create(resources.spiderReservedIPs, { metadata: { name }, spec: { ips: ips as string[] } });
  }
  const lines = (await say('10.6.0.6')).split('\n');
  assert.match(lines[0] ?? '', /is reserved by a SpiderReservedIP/);
  assert.match(lines[1] ?? '', /^SpiderReservedIP text cannot be read: spec\.ips\[0\]: "nonsense"/);
  assert.match(lines[2] ?? '', /^SpiderReservedIP shape cannot be read: .*schema/);
  const { unreadableReserved } = JSON.parse(await ask('10.6.0.6', 'json')) as {
    unreadableReserved: { name: string }[];
  };
  assert.deepEqual(
    unreadableReserved.map(({ name }) => name),
    ['text', 'shape'],
  );
});
