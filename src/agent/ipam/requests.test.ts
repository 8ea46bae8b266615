// Requests for particular addresses and link addresses, from the pod or the runtime to the pool.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { resources } from '#api';
import { type Logger, silentLogger } from '#base';
import { parseAddress } from '#ip';
import type { FakeKube } from '#kube/testing';
import { add, agent, cluster, del, pod, records, stopAgents, texts } from './allocator-fixture.ts';

afterEach(stopAgents);

const IPS = 'ipam.orbweaver.io/ips';
const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const pools = { v4: { ips: ['10.6.1.1-10.6.1.9'], excludeIPs: ['10.6.1.7'] } };
const ips = (value: object) => ({ [IPS]: JSON.stringify(value) });

/** The records of the pool as `address NIC`. */
async function held(kube: FakeKube): Promise<string[]> {
  return Object.entries(await records(kube)).map(([address, { nic }]) => `${address} ${nic}`);
}

const places: [place: string, annotations: Record<string, string>, requested: Record<string, unknown>][] = [
  ['our annotation', ips({ eth0: '10.6.1.5' }), {}],
  ['our annotation, as a list with prefix length', ips({ eth0: ['10.6.1.5/16'], net1: '10.6.1.6' }), {}],
  ['the capability ips', {}, { 'runtimeConfig.ips': ['10.6.1.5/16'], 'CNI_ARGS IP': undefined }],
  ['args.cni.ips', {}, { 'runtimeConfig.ips': [], 'args.cni.ips': ['10.6.1.5'] }],
  ['IP= of CNI_ARGS', {}, { 'CNI_ARGS IP': '10.6.1.5' }],
  [
    'the default network of Multus',
    { 'v1.multus-cni.io/default-network': '[{"name":"lan","ips":["10.6.1.5"]}]' },
    {},
  ],
  [
    'our annotation before the runtime and Multus',
    {
      ...ips({ eth0: '10.6.1.5' }),
      'v1.multus-cni.io/default-network': '[{"name":"lan","ips":["10.6.1.3"]}]',
    },
    { 'CNI_ARGS IP': '10.6.1.4' },
  ],
  [
    'the runtime before Multus',
    { 'v1.multus-cni.io/default-network': '[{"name":"lan","ips":["10.6.1.3"]}]' },
    { 'runtimeConfig.ips': ['10.6.1.5'], 'CNI_ARGS IP': '10.6.1.4' },
  ],
];
for (const [place, annotations, requested] of places) {
  test(`a pod gets the address that it requests: ${place}`, async () => {
    const kube = await cluster(pools);
    const allocator = await agent(kube);
    await pod(kube, 'web', annotations);
    assert.deepEqual(texts(await allocator.allocate(add('web', { requested }))), ['eth0 10.6.1.5/16']);
    assert.deepEqual(await held(kube), ['10.6.1.5 eth0']);
  });
}

test('each NIC gets the address of its own entry in the networks annotation', async () => {
  const kube = await cluster(pools);
  const allocator = await agent(kube);
  const networks =
    '[{"name":"a","interface":"net1","ips":["10.6.1.5"]},{"name":"b","interface":"net2","ips":[]}]';
  await pod(kube, 'web', { [NETWORKS]: networks });
  for (const interfaceName of ['eth0', 'net1', 'net2']) {
    await allocator.allocate(add('web', { interfaceName }));
  }
  assert.deepEqual(await held(kube), ['10.6.1.1 eth0', '10.6.1.5 net1', '10.6.1.2 net2']);
});

test('the first ADD takes the requested addresses of all NICs and families, and the other family is free to choose', async () => {
  const kube = await cluster({ ...pools, v6: { subnet: 'fd00::/64', ips: ['fd00::1-fd00::9'] } });
  const allocator = await agent(kube);
  const entry = (nic: string) => ({ interface: nic, ipv4: ['v4'], ipv6: ['v6'] });
  await pod(kube, 'web', {
    'ipam.spidernet.io/ippools': JSON.stringify([entry('eth0'), entry('net1')]),
    ...ips({ eth0: ['fd00::8', '10.6.1.8'], net1: 'fd00::7' }),
  });
  assert.deepEqual(texts(await allocator.allocate(add('web'))), [
    'eth0 10.6.1.8/16',
    'eth0 fd00::8/64',
    'net1 10.6.1.1/16',
    'net1 fd00::7/64',
  ]);
});

test('what the runtime passes for the NIC of this call is not for the other NICs', async () => {
  const kube = await cluster(pools);
  const allocator = await agent(kube);
  const entries = [
    { interface: 'eth0', ipv4: ['v4'] },
    { interface: 'net1', ipv4: ['v4'] },
  ];
  await pod(kube, 'web', { 'ipam.spidernet.io/ippools': JSON.stringify(entries) });
  const request = add('web', { requested: { 'CNI_ARGS IP': '10.6.1.5' } });
  assert.deepEqual(texts(await allocator.allocate(request)), ['eth0 10.6.1.5/16', 'net1 10.6.1.1/16']);
});

test('the address comes from the candidate pool that has it, whatever the order of the pools is', async () => {
  const kube = await cluster({ ...pools, more: { ips: ['10.6.2.1-10.6.2.9'] } });
  const allocator = await agent(kube);
  await pod(kube, 'web', ips({ eth0: '10.6.2.4' }));
  const request = add('web', { ipam: { default_ipv4_ippool: ['v4', 'more'] } });
  assert.deepEqual(texts(await allocator.allocate(request)), ['eth0 10.6.2.4/16']);
});

const refusals: [what: string, request: object, code: string, message: string | RegExp][] = [
  [
    'another pod has it',
    { eth0: '10.6.1.2' },
    'ADDRESS_REQUEST_TAKEN',
    'annotation ipam.orbweaver.io/ips of eth0 requests 10.6.1.2 for interface eth0: v4: Pod default/other holds it for interface eth0',
  ],
  [
    'it is reserved',
    { eth0: '10.6.1.3' },
    'ADDRESS_REQUEST_UNSERVED',
    /requests 10\.6\.1\.3 for interface eth0: v4: a SpiderReservedIP reserves it$/,
  ],
  [
    'another machine uses it',
    { eth0: '10.6.1.4' },
    'ADDRESS_REQUEST_TAKEN',
    /: v4: another machine uses it$/,
  ],
  [
    'it is excluded',
    { eth0: '10.6.1.7' },
    'ADDRESS_REQUEST_UNSERVED',
    /: it is in none of the IPv4 pools \[v4\] of CNI configuration; spec\.excludeIPs of IPPool v4 excludes it$/,
  ],
  [
    'it is a special address',
    { eth0: '10.6.255.255' },
    'ADDRESS_REQUEST_UNSERVED',
    /no machine may have it, because it is a special address of the subnet 10\.6\.0\.0\/16$/,
  ],
  [
    'another pool has it',
    { eth0: '10.6.2.1' },
    'ADDRESS_REQUEST_UNSERVED',
    /in none of the IPv4 pools \[v4\] of CNI configuration; IPPool more has it, but is not among them$/,
  ],
  ['no pool has it', { eth0: '192.0.2.1' }, 'ADDRESS_REQUEST_UNSERVED', /of CNI configuration$/],
  [
    'the interface has no pool of the family',
    { eth0: ['fd00::1'] },
    'ADDRESS_REQUEST_UNSERVED',
    /CNI configuration has no IPv6 pool for this interface$/,
  ],
  [
    'the prefix length is another one',
    { eth0: '10.6.1.5/24' },
    'ADDRESS_REQUEST_UNSERVED',
    /IPPool v4 offers it with the prefix length of its subnet 10\.6\.0\.0\/16, not with \/24$/,
  ],
  [
    'two addresses of one family',
    { eth0: ['10.6.1.5', '10.6.1.6'] },
    'INPUT_INVALID',
    /^annotation ipam\.orbweaver\.io\/ips of eth0 \["10\.6\.1\.5","10\.6\.1\.6"\]: an interface gets one address of each family/,
  ],
  [
    'no address',
    { eth0: 'x' },
    'INPUT_INVALID',
    /^annotation ipam\.orbweaver\.io\/ips of eth0 "x": invalid IP address 'x'/,
  ],
  [
    'another form',
    { eth0: 7 },
    'INPUT_INVALID',
    /^wrong input, invalid format of Pod annotation ipam\.orbweaver\.io\/ips/,
  ],
];
for (const [what, request, code, message] of refusals) {
  test(`a requested address is refused, and nothing is allocated: ${what}`, async () => {
    const kube = await cluster({ ...pools, more: { ips: ['10.6.2.1'] } });
    await kube.create(resources.spiderReservedIPs, { metadata: { name: 'r' }, spec: { ips: ['10.6.1.3'] } });
    const allocator = await agent(kube);
    await pod(kube, 'other', ips({ eth0: '10.6.1.2' }));
    await pod(kube, 'web', ips(request));
    await allocator.allocate(add('other'));
    const addresses = [{ address: parseAddress('10.6.1.4'), heldIn: 'v4' }];
    await allocator.quarantine({ podUid: '', nic: '', addresses, signal: AbortSignal.timeout(5_000) });
    await assert.rejects(allocator.allocate(add('web')), { code, message });
    assert.deepEqual(await held(kube), ['10.6.1.2 eth0']);
  });
}

test('a request for a family that the cluster has disabled is refused', async () => {
  const kube = await cluster(pools);
  const allocator = await agent(kube, { families: [4] });
  await pod(kube, 'web', ips({ eth0: ['10.6.1.5', 'fd00::5'] }));
  await assert.rejects(allocator.allocate(add('web')), {
    code: 'ADDRESS_REQUEST_UNSERVED',
    message: /requests fd00::5 for interface eth0: the cluster has IPv6 disabled$/,
  });
});

test('a pool that does not serve the pod gives it no requested address', async () => {
  const kube = await cluster({ ...pools, away: { ips: ['10.6.3.1'], nodeName: ['node9'] } });
  const allocator = await agent(kube);
  await pod(kube, 'web', ips({ eth0: '10.6.3.1' }));
  const request = add('web', { ipam: { default_ipv4_ippool: ['v4', 'away'] } });
  await assert.rejects(allocator.allocate(request), {
    code: 'ADDRESS_REQUEST_UNSERVED',
    message: /: unmatched Node name node1, IPPool away serves \[node9\]$/,
  });
});

test('of two pods that request one address at the same time, one gets it, and the other is told who has it', async () => {
  const kube = await cluster(pools);
  const agents = [await agent(kube), await agent(kube)];
  for (const name of ['a', 'b']) await pod(kube, name, ips({ eth0: '10.6.1.5' }));
  const tries = agents.map((one, index) => one.allocate(add(['a', 'b'][index] ?? '')));
  const outcomes = await Promise.allSettled(tries);
  const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
  assert.equal(refused.length, 1);
  assert.match(refused[0]?.message ?? '', /: v4: Pod default\/[ab] holds it for interface eth0$/);
  assert.deepEqual(await held(kube), ['10.6.1.5 eth0']);
});

test('a requested address is given again soon after its release', async () => {
  const kube = await cluster(pools);
  const allocator = await agent(kube);
  const first = await pod(kube, 'a', ips({ eth0: '10.6.1.5' }));
  await pod(kube, 'b', ips({ eth0: '10.6.1.5' }));
  await allocator.allocate(add('a'));
  await allocator.release(del('a', first.metadata.uid ?? ''));
  assert.deepEqual(texts(await allocator.allocate(add('b'))), ['eth0 10.6.1.5/16']);
});

test('a repeated ADD keeps its address, also when the pod requests another one since, and the log says so', async () => {
  const kube = await cluster(pools);
  const allocator = await agent(kube);
  await pod(kube, 'web', ips({ eth0: '10.6.1.5' }));
  await allocator.allocate(add('web'));
  const body = { metadata: { annotations: ips({ eth0: ['10.6.1.6', 'fd00::1'] }) } };
  await kube.patch(resources.pods, { namespace: 'default', name: 'web' }, { type: 'merge', body });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const warnings: object[] = [];
  const log: Logger = { ...silentLogger, warn: (fields) => warnings.push(fields as object) };
  assert.deepEqual(texts(await allocator.allocate(add('web', { log }))), ['eth0 10.6.1.5/16']);
  assert.deepEqual(warnings, [
    { nic: 'eth0', address: '10.6.1.5', requested: '10.6.1.6', field: `annotation ${IPS} of eth0` },
  ]);
});

test('a malformed request is refused before anything else is read', async () => {
  const allocator = await agent(await cluster({}));
  const { conf } = add('web');
  allocator.validate({
    conf,
    requested: { 'runtimeConfig.ips': [], x: undefined },
    requestedMacs: { y: '' },
  });
  const wish = { conf, requested: {}, requestedMacs: {} };
  assert.throws(() => allocator.validate({ ...wish, requested: { 'CNI_ARGS IP': '10.6.1.300' } }), {
    code: 'INPUT_INVALID',
    message: /^CNI_ARGS IP "10\.6\.1\.300": /,
  });
  assert.throws(
    () => allocator.validate({ ...wish, requestedMacs: { 'runtimeConfig.mac': '01:00:00:00:00:01' } }),
    {
      code: 'INPUT_INVALID',
      message:
        'runtimeConfig.mac "01:00:00:00:00:01": must be a unicast MAC address, for example 02:00:00:00:00:05',
    },
  );
});

test('a NIC gets the link address that the runtime or its network selection requests', async () => {
  const kube = await cluster(pools);
  const allocator = await agent(kube);
  await pod(kube, 'web', { [NETWORKS]: '[{"name":"a","interface":"net1","mac":"02-00-00-00-00-0A"}]' });
  assert.equal((await allocator.allocate(add('web'))).link, undefined);
  assert.deepEqual((await allocator.allocate(add('web', { interfaceName: 'net1' }))).link, {
    mac: '02:00:00:00:00:0a',
  });
  const requestedMacs = { 'CNI_ARGS MAC': '0200.0000.000b' };
  const told = await allocator.allocate(add('web', { interfaceName: 'net1', requestedMacs }));
  assert.deepEqual(told.link, { mac: '02:00:00:00:00:0b' });
});
