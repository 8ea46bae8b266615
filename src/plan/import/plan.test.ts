// The plan of an import: pools, networks, who holds which address, and what stands in the way.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { formatAddress } from '#ip';
import { definition, facts, pod, reservation, whereaboutsPool } from './import-fixture.ts';
import type { ImportFacts, ImportPlan } from './plan.ts';
import { planImport, settlesInMs } from './plan.ts';
import type { ImportSource } from './source-conf.ts';

const lan = { type: 'whereabouts', range: '10.6.0.0/24' };
const local = { type: 'host-local', subnet: '10.6.0.0/24', dataDir: '/data' };

function planned(changes: Partial<ImportFacts>, source: ImportSource = 'whereabouts'): ImportPlan {
  const plan = planImport(source, facts(changes));
  assert.ok(plan);
  return plan;
}
/** `address pod/nic` of what is recorded, and the addresses that are left out. */
function holders({ pools }: ImportPlan) {
  return {
    recorded: pools.flatMap(({ missing }) =>
      missing.map(
        ({ address, pod: name, podUid, nic }) => `${formatAddress(address)} ${name} ${podUid} ${nic}`,
      ),
    ),
    leftOut: pools.flatMap(({ unknown }) => unknown.format()),
  };
}

test('a network of Whereabouts gets a pool with its range, and nothing else of it changes', () => {
  const { networks, pools, obstacles } = planned({ definitions: [definition('lan', lan)] });
  assert.deepEqual(obstacles, []);
  assert.deepEqual(
    pools.map(({ name, state, range }) => [name, state, range.addresses.format()]),
    [['whereabouts-10-6-0-1-24', 'wanted', ['10.6.0.1-10.6.0.254']]],
  );
  assert.deepEqual(JSON.parse(networks[0]?.after ?? ''), {
    ...{ cniVersion: '0.3.1', type: 'macvlan', master: 'eth1' },
    ipam: { type: 'spiderpool', default_ipv4_ippool: ['whereabouts-10-6-0-1-24'] },
  });
});

test('the IPAM is found in a list of plugins, in any case, and other plugins stay', () => {
  const list = {
    cniVersion: '1.0.0',
    name: 'lan',
    plugins: [
      { type: 'macvlan', IPAM: lan },
      { type: 'tuning', sysctl: {} },
    ],
  };
  const one = { metadata: { name: 'lan', namespace: 'default' }, spec: { config: JSON.stringify(list) } };
  const { networks } = planned({ definitions: [one] });
  const { plugins } = JSON.parse(networks[0]?.after ?? '') as { plugins: unknown[] };
  assert.deepEqual(plugins, [
    { type: 'macvlan', IPAM: { type: 'spiderpool', default_ipv4_ippool: ['whereabouts-10-6-0-1-24'] } },
    { type: 'tuning', sysctl: {} },
  ]);
});

test('offsets become addresses of living pods, counted from the address that the range is written with', () => {
  const changes = {
    definitions: [definition('lan', lan)],
    pods: [pod('a', ['10.6.0.5']), pod('b', ['10.6.0.229']), pod('starting')],
    whereaboutsPools: [
      whereaboutsPool('10.6.0.0/24', { 5: 'a', 7: 'starting' }),
      whereaboutsPool('10.6.0.225/28', { 4: 'b' }),
    ],
  };
  assert.deepEqual(holders(planned(changes)), {
    recorded: [
      '10.6.0.5 default/a uid-a net1',
      '10.6.0.7 default/starting uid-starting net1',
      '10.6.0.229 default/b uid-b net1',
    ],
    leftOut: [],
  });
});

test('addresses of slices of nodes are recorded in the pool of the whole range', () => {
  // With node_slice_size, Whereabouts has a pool for each node: a slice of the range, with offsets of its own.
  const sliced = { ...lan, range: '10.6.0.0/24', node_slice_size: '/28' };
  const changes = {
    definitions: [definition('lan', sliced)],
    pods: [pod('a', ['10.6.0.3']), pod('b', ['10.6.0.19'], { node: 'node2' }), pod('starting')],
    whereaboutsPools: [
      whereaboutsPool('10.6.0.0/28', { 3: 'a' }),
      whereaboutsPool('10.6.0.16/28', { 3: 'b', 4: 'starting', 5: 'gone' }),
    ],
  };
  const plan = planned(changes);
  assert.deepEqual(plan.obstacles, []);
  assert.equal(plan.pools.length, 1);
  assert.deepEqual(holders(plan), {
    recorded: [
      '10.6.0.3 default/a uid-a net1',
      '10.6.0.19 default/b uid-b net1',
      '10.6.0.20 default/starting uid-starting net1',
    ],
    leftOut: ['10.6.0.21'],
  });
});

test('an address that a pod shows and Whereabouts has forgotten is recorded too', () => {
  const changes = {
    definitions: [definition('lan', { ...lan, ipRanges: [{ range: 'fd00::/120' }] })],
    pods: [pod('a', ['10.6.0.9', 'fd00::9'])],
    whereaboutsPools: [whereaboutsPool('10.6.0.0/24', {})],
  };
  assert.deepEqual(holders(planned(changes)).recorded, [
    '10.6.0.9 default/a uid-a net1',
    'fd00::9 default/a uid-a net1',
  ]);
});

test('an address of an unknown holder is in no pool: of a pod that is gone, and of an earlier pod of a name', () => {
  const changes = {
    definitions: [definition('lan', lan)],
    pods: [pod('a', ['10.6.0.5'])],
    whereaboutsPools: [whereaboutsPool('10.6.0.0/24', { 5: 'a', 6: 'a', 7: 'gone' })],
    reservations: [reservation('10.6.0.8', 'gone'), reservation('other-10.6.0.9', 'gone')],
  };
  const plan = planned(changes);
  assert.deepEqual(holders(plan), {
    recorded: ['10.6.0.5 default/a uid-a net1'],
    leftOut: ['10.6.0.6-10.6.0.8'],
  });
  assert.deepEqual(plan.pools[0]?.unknownTexts, [
    '10.6.0.6 is in IPPool kube-system/10.6.0.0-24, and pod default/a does not show it',
    '10.6.0.7 is in IPPool kube-system/10.6.0.0-24, and pod default/gone does not show it',
    '10.6.0.8 is in OverlappingRangeIPReservation kube-system/10.6.0.8, and pod default/gone does not show it',
  ]);
});

test('a reservation of a named network, and one of IPv6, are read', () => {
  const changes = {
    definitions: [definition('lan', { type: 'whereabouts', range: 'fd00::/120', network_name: 'blue-net' })],
    pods: [pod('a'), pod('b')],
    reservations: [reservation('blue-net-fd00--7', 'a'), reservation('fd00--8', 'b')],
  };
  assert.deepEqual(holders(planned(changes)).recorded, [
    'fd00::7 default/a uid-a net1',
    'fd00::8 default/b uid-b net1',
  ]);
});

test('a reservation is read with the name of its own network, also where one name begins as another', () => {
  const network = (name: string, range: string) =>
    definition(name, { type: 'whereabouts', range, network_name: name });
  const changes = {
    definitions: [
      network('fab', 'fd00::/120'),
      network('lan', '10.6.0.0/24'),
      network('lan-2', '10.7.0.0/24'),
      network('lan-2', 'fd02::/120'),
    ],
    pods: [pod('a'), pod('b'), pod('c')],
    reservations: [
      reservation('lan-2-10.7.0.5', 'a'),
      reservation('fab-fd00--8', 'b'),
      reservation('lan-2-fd02--9', 'c'),
    ],
  };
  assert.deepEqual(holders(planned(changes)).recorded, [
    'fd00::8 default/b uid-b net1',
    '10.7.0.5 default/a uid-a net1',
    'fd02::9 default/c uid-c net1',
  ]);
});

test('an address that two living pods have stands in the way, and one of a finished pod does not', () => {
  const definitions = [definition('lan', lan)];
  const twice = planned({ definitions, pods: [pod('a', ['10.6.0.5']), pod('b', ['10.6.0.5'])] });
  assert.deepEqual(twice.obstacles, [
    '10.6.0.5 is shown by pods default/a and default/b: restart one of them first',
  ]);
  const finished = pod('a', ['10.6.0.5'], { phase: 'Succeeded' });
  const once = planned({ definitions, pods: [finished, pod('b', ['10.6.0.5'])] });
  assert.deepEqual(once.obstacles, []);
  const whereaboutsPools = [whereaboutsPool('10.6.0.0/24', { 5: 'a' })];
  assert.deepEqual(holders(planned({ definitions, pods: [finished], whereaboutsPools })), {
    recorded: ['10.6.0.5 default/a uid-a net1'],
    leftOut: [],
  });
  assert.deepEqual(holders(once).recorded, ['10.6.0.5 default/b uid-b net1']);
});

test('files of host-local become records of the pod that shows the address on this node', () => {
  const file = (name: string, content: string, node = 'node1', network = 'lan') => ({
    node,
    network,
    name,
    content,
  });
  const changes = {
    definitions: [definition('lan', local)],
    pods: [pod('a', ['10.6.0.5']), pod('b', ['10.6.0.6'], { node: 'node2' })],
    files: [
      file('10.6.0.5', '0123abcd\r\nnet1'),
      file('10.6.0.6', '4567abcd\r\nnet1', 'node2'),
      file('10.6.0.7', 'dead0000\r\nnet1'),
      file('10.6.0.8', ''),
      file('10.6.0.9', 'beef0000\r\nnet1', 'node1', 'another-network'),
      file('lock', ''),
      file('last_reserved_ip.0', '10.6.0.8'),
    ],
  };
  const plan = planned({ ...changes, nodesRead: new Map([['node1', new Set(['lan'])]]) }, 'host-local');
  assert.deepEqual(plan.obstacles, []);
  assert.deepEqual(holders(plan), {
    recorded: ['10.6.0.5 default/a uid-a net1', '10.6.0.6 default/b uid-b net1'],
    leftOut: ['10.6.0.7-10.6.0.8'],
  });
  assert.deepEqual(plan.nodesMissing, ['node2']);
  const strange = planned({ ...changes, files: [file('notes.txt', '')] }, 'host-local');
  assert.match(strange.obstacles.join(), /file lan\/notes\.txt of node node1 is neither an address/);
});

test('data of a node without the folder of a network that its pod uses stand in the way, and no data do not', () => {
  const changes = { definitions: [definition('lan', local)], pods: [pod('a', ['10.6.0.5'])] };
  const obstacles = (more: Partial<ImportFacts>) => planned({ ...changes, ...more }, 'host-local').obstacles;
  const nodesRead = new Map([['node1', new Set(['cbr0'])]]);
  assert.deepEqual(obstacles({ nodesRead }), [
    'the data of node node1 have no folder lan, which pod default/a uses: copy what ipam.dataDir names',
  ]);
  assert.deepEqual(obstacles({ nodesRead: new Map([['node1', new Set<string>()]]) }), []);
  const current = { uid: 'uid-a', node: 'node1', ips: [] };
  const status = { current, ownerControllerType: 'None', ownerControllerName: 'a' };
  const endpoints = [{ metadata: { name: 'a', namespace: 'default' }, status }];
  assert.deepEqual(obstacles({ nodesRead, endpoints }), []);
});

test('networks with the same range share a pool, and ranges that overlap otherwise stand in the way', () => {
  const obstacles = (...ipams: object[]) =>
    planned({ definitions: ipams.map((ipam, index) => definition(`n${index}`, ipam)) }).obstacles;
  assert.equal(planned({ definitions: [definition('a', lan), definition('b', lan)] }).pools.length, 1);
  const part = (range: string) => ({ type: 'whereabouts', range });
  assert.deepEqual(obstacles(part('10.6.0.10-10.6.0.19/24'), part('10.6.0.20-10.6.0.29/24')), []);
  assert.match(
    obstacles(part('10.6.0.10-10.6.0.20/24'), part('10.6.0.20-10.6.0.29/24')).join(),
    /overlap: make/,
  );
  assert.match(obstacles(lan, part('10.6.0.0/16')).join(), /overlap: give both the same network/);
  const routed = { ...lan, gateway: '10.6.0.1', routes: [{ dst: '0.0.0.0/0' }] };
  assert.match(obstacles({ ...lan, gateway: '10.6.0.1' }, routed).join(), /different gateways or routes/);
});

test('what else stands in the way: pools of others, owners, configurations that cannot be read, no agents', () => {
  const pools = [
    resources.spiderIPPools.schema.parse({
      metadata: { name: 'own' },
      spec: { subnet: '10.6.0.0/24', ips: ['10.6.0.200'] },
    }),
  ];
  const owner = { apiVersion: 'v1', kind: 'SriovNetwork', name: 's', uid: 'u', controller: true };
  const broken = { metadata: { name: 'broken', namespace: 'x' }, spec: { config: '{"type": "whereabouts"' } };
  const definitions = [
    definition('lan', lan, { ownerReferences: [owner] }),
    definition('no', { type: 'whereabouts' }),
    broken,
  ];
  const { obstacles } = planned({ definitions, pools, isInstalled: false });
  assert.match(
    obstacles[0] ?? '',
    /^default\/no: NetworkAttachmentDefinition default\/no: ipam\.range is missing/,
  );
  assert.match(obstacles[1] ?? '', /^x\/broken: spec\.config: .* is not valid JSON/);
  assert.deepEqual(obstacles.slice(2), [
    'default/lan is written by SriovNetwork s: change the IPAM there',
    'SpiderIPPool own has addresses of 10.6.0.0/24 already',
    'the agents of Orbweaver are not installed: no new pod would get a network',
  ]);
});

test('networks of other programs, and a cluster without the program, are no concern of an import', () => {
  const others = [definition('static', { type: 'static' }), definition('local', local)];
  assert.equal(planImport('whereabouts', facts({ definitions: others })), undefined);
});

test('an import waits for ADDs that read the old configuration, counted from the last switch', () => {
  const at = (switchedAtMs?: number) => ({ switchedAtMs }) as ImportPlan['networks'][number];
  assert.equal(settlesInMs({ networks: [at(1_000), at(5_000)] }, 10_000, 8_000), 7_000);
  assert.equal(settlesInMs({ networks: [at(1_000)] }, 10_000, 60_000), 0);
  assert.equal(settlesInMs({ networks: [at(undefined)] }, 10_000, 60_000), 10_000);
  assert.equal(settlesInMs({ networks: [at(99_000)] }, 10_000, 60_000), 10_000);
});
