import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr, parseAddress, parseCidr } from '#ip';
import { type Link, MAIN_TABLE, type Route } from '#net';
import { madeBy } from '../pod/golden-fixture.ts';
import { planPod } from '../pod/pod.ts';
import { mergeSettings } from '../settings/settings.ts';
import type { DesiredNamespace, DesiredNetwork } from '../state/desired.ts';
import type { ObservedNamespace } from '../state/observed.ts';
import { routeText } from '../state/text.ts';
import { difference, networkDifference } from './difference.ts';
import { changesOf, mismatches } from './finding.ts';

const desired: DesiredNetwork = planPod({
  containerId: '0123456789abcdef',
  nics: [
    {
      name: 'eth0',
      addresses: [parseCidr('10.6.0.5/16'), parseCidr('fd00:6::5/64')],
      routes: [madeBy('eth0', '0.0.0.0/0', '10.6.0.1'), madeBy('eth0', '::/0', 'fd00:6::1')],
      settings: mergeSettings({
        netConf: { overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.96.0.0/12', 'fd96::/112'] },
        podAnnotations: {},
        coordinator: undefined,
      }),
    },
  ],
  nodeAddresses: [parseAddress('10.6.0.1'), parseAddress('fd00:6::1')],
});
const veth = desired.veth;
assert.ok(veth !== undefined);
const { hostLink, podMac, hostMac } = veth;

const hostEnd: Link = {
  index: 9,
  name: hostLink,
  kind: 'veth',
  mac: hostMac,
  mtuBytes: 1500,
  txQueueLength: 0,
  up: true,
  carrier: true,
  loopback: false,
  linkIndex: 2,
  linkNetnsId: 0,
};
const podEnd: Link = { ...hostEnd, index: 2, name: 'veth0', mac: podMac, linkIndex: 9 };
const nic: Link = {
  ...hostEnd,
  index: 3,
  name: 'eth0',
  kind: 'macvlan',
  mac: '02:00:00:00:00:01',
  linkIndex: 5,
};

/** A namespace in which everything is as desired. */
function asDesired(namespace: DesiredNamespace, links: readonly Link[]): ObservedNamespace {
  const { table } = namespace;
  return {
    links,
    addresses: [...namespace.addresses, ...namespace.expectedAddresses],
    routes: namespace.routes.map((route) =>
      route.destination.address.family === 6 ? { ...route, metric: 1024 } : route,
    ),
    rules: namespace.rules,
    neighbours: namespace.neighbours,
    sysctls: new Map(namespace.sysctls.map(({ key, value }) => [key, value])),
    table: table?.rules ?? [],
  };
}

const pod = asDesired(desired.pod, [podEnd, nic]);
const node = asDesired(desired.node, [hostEnd]);

test('a state as desired needs no change', () => {
  const { pod: inPod, node: onNode } = networkDifference(desired, { pod, node });
  assert.deepEqual([...inPod, ...onNode], []);
});

test('CHECK names each missing object', () => {
  const lists = ['addresses', 'routes', 'rules', 'neighbours'] as const;
  for (const list of lists) {
    for (const [where, observed] of [
      ['pod', pod],
      ['node', node],
    ] as const) {
      for (let i = 0; i < observed[list].length; i++) {
        const without = { ...observed, [list]: observed[list].toSpliced(i, 1) };
        const found = mismatches(difference(desired[where], without));
        assert.equal(found.length, 1, `${where} ${list} ${i}`);
        assert.match(found[0] ?? '', /missing/);
      }
    }
  }
});

test('an object is named in the words of iproute2', () => {
  const without = (match: (route: Route) => boolean) => ({
    ...pod,
    routes: pod.routes.filter((one) => !match(one)),
  });
  const hijack = without((route) => routeText(route).startsWith('10.96'));
  assert.deepEqual(mismatches(difference(desired.pod, hijack)), [
    'route 10.96.0.0/12 via 10.6.0.1 dev veth0 proto 79 src 10.6.0.5 is missing from table main',
  ]);
  assert.deepEqual(mismatches(difference(desired.pod, { ...pod, rules: [] })), [
    'rule 1000: from all fwmark 0x1 lookup 100 is missing',
    'IPv6 rule 1000: from all fwmark 0x1 lookup 100 is missing',
  ]);
  assert.deepEqual(mismatches(difference(desired.pod, { ...pod, table: [] })), [
    'nftables table inet orbweaver is missing or empty',
  ]);
  assert.deepEqual(mismatches(difference(desired.pod, { ...pod, links: [podEnd] })), [
    'link eth0 is missing',
  ]);
});

test('a deleted nftables rule is named, and a foreign rule in the table is not taken for it', () => {
  const emptied = [
    { chain: 'output', comment: 'something else' },
    { chain: 'output', comment: undefined },
  ];
  const [first, second] = mismatches(difference(desired.pod, { ...pod, table: emptied }));
  assert.match(first ?? '', /of chain prerouting in nftables table inet orbweaver is missing/);
  assert.match(second ?? '', /of chain output/);
});

test('a route to elsewhere is replaced, and CHECK says what it found', () => {
  const moved = pod.routes.map((route) =>
    route.table === 100 && route.gateway?.family === 4 ? { ...route, dev: 'eth0' } : route,
  );
  const findings = difference(desired.pod, { ...pod, routes: moved });
  assert.deepEqual(mismatches(findings), [
    'route default via 10.6.0.1 dev veth0 proto 79 src 10.6.0.5 of table 100 is default via 10.6.0.1 dev eth0 proto 79 src 10.6.0.5 instead',
  ]);
  assert.deepEqual(
    changesOf(findings).map(({ verb, kind }) => `${verb} ${kind}`),
    ['replace route'],
  );
});

test('the host route of an earlier pod with the same address is replaced', () => {
  const earlier = node.routes.map((route) => ({ ...route, dev: 'vethearlier' }));
  const verbs = changesOf(difference(desired.node, { ...node, routes: earlier })).map(
    ({ verb, kind }) => `${verb} ${kind}`,
  );
  assert.deepEqual(verbs, ['replace route', 'replace route']);
});

test('another program’s route in any table stays unchanged, and CHECK names it', () => {
  const theirs = pod.routes.map((route) =>
    route.table === 100 ? { ...route, dev: 'eth0', protocol: 3 } : route,
  );
  const findings = difference(desired.pod, { ...pod, routes: theirs });
  assert.deepEqual(changesOf(findings), []);
  assert.equal(
    mismatches(findings)[0],
    'route default via 10.6.0.1 dev veth0 proto 79 src 10.6.0.5 of table 100 is default via 10.6.0.1 dev eth0 src 10.6.0.5 instead, which belongs to another program',
  );
});

test('another program’s permanent neighbour stays, and one that the kernel learned is replaced', () => {
  const changed = (state: 'permanent' | 'reachable') => {
    const neighbours = pod.neighbours.map((one) => ({
      ...one,
      mac: '02:00:00:00:00:99',
      state,
      protocol: 0,
    }));
    return changesOf(difference(desired.pod, { ...pod, neighbours })).length;
  };
  assert.equal(changed('permanent'), 0);
  assert.equal(changed('reachable'), pod.neighbours.length);
});

test('another program’s link with the name of the node’s end is not deleted', () => {
  for (const other of [{ kind: 'bridge' }, { mac: '02:00:00:00:00:99' }, { mac: podMac }]) {
    const found = networkDifference(desired, {
      pod: { ...pod, links: [nic] },
      node: { ...node, links: [{ ...hostEnd, ...other }] },
    });
    assert.deepEqual(changesOf(found.node), []);
    assert.match(found.node[0]?.problem ?? '', /of the node is another program's/);
  }
});

test('a repeated ADD leaves no old MAC address in a permanent neighbour', () => {
  const old = pod.neighbours.map((neighbour) => ({ ...neighbour, mac: '02:00:00:00:00:99' }));
  const changes = changesOf(difference(desired.pod, { ...pod, neighbours: old }));
  assert.deepEqual(
    changes.map(({ verb, kind }) => `${verb} ${kind}`),
    ['replace neighbour', 'replace neighbour'],
  );
});

test('a wrong MAC address is set together with the neighbours that the kernel then drops, and a right one is not set', () => {
  const drifted = { ...podEnd, mac: '02:00:00:00:00:77' };
  const verbs = (link: Link) =>
    changesOf(difference(desired.pod, { ...pod, links: [link, nic] })).map(
      ({ verb, kind }) => `${verb} ${kind}`,
    );
  assert.deepEqual(verbs(drifted), ['set link', 'replace neighbour', 'replace neighbour']);
  const [change] = changesOf(
    difference(desired.pod, { ...pod, links: [{ ...podEnd, mtuBytes: 1400 }, nic] }),
  );
  assert.deepEqual(change, {
    verb: 'set',
    kind: 'link',
    link: { name: 'veth0', mtuBytes: 1500, txQueueLength: 0, up: true },
  });
});

/** A route of the user's own in main, by the NIC. */
function usersRoute(destination: string): Route {
  return {
    destination: parseCidr(destination),
    table: 254,
    type: 'unicast',
    scope: 'global',
    protocol: 3,
    dev: 'eth0',
    gateway: parseAddress('10.6.0.254'),
  };
}

test('a user’s route in main takes precedence over ours', () => {
  const own = usersRoute('10.96.0.0/12');
  const routes = [...pod.routes.filter((route) => !routeText(route).startsWith('10.96')), own];
  assert.deepEqual(difference(desired.pod, { ...pod, routes }), []);
});

test('a pool’s route to the node’s own address is named, and a route that needs the node as gateway is not', () => {
  const own = usersRoute('10.6.0.1/32');
  const routes = [...pod.routes.filter((route) => !routeText(route).startsWith('10.6.0.1')), own];
  const [finding, ...others] = difference(desired.pod, { ...pod, routes });
  assert.deepEqual(others, []);
  assert.equal(finding?.code, 'COORDINATOR_ROUTE_TAKEN');
  assert.equal(finding?.fix, undefined);
  assert.match(
    finding?.problem ?? '',
    /^route 10\.6\.0\.1 via 10\.6\.0\.254 dev eth0 .*in the place of route 10\.6\.0\.1 dev veth0/,
  );
});

test('a wrong route of ours in main is replaced, because only foreign routes take precedence', () => {
  const routes = pod.routes.map((route) =>
    routeText(route).startsWith('10.96') ? { ...route, gateway: parseAddress('10.6.0.77') } : route,
  );
  const findings = difference(desired.pod, { ...pod, routes });
  assert.deepEqual(
    changesOf(findings).map(({ verb, kind }) => `${verb} ${kind}`),
    ['replace route'],
  );
});

test('the rule of Spiderpool on a migrated node counts as ours', () => {
  const rules = node.rules.map((rule) => ({ ...rule, protocol: 0 }));
  assert.deepEqual(difference(desired.node, { ...node, rules }), []);
});

test('objects of earlier settings or node addresses are removed, and foreign objects stay', () => {
  const hijacked = desired.pod.routes.find(
    ({ gateway, protocol }) => gateway !== undefined && protocol === 79,
  );
  const left: Route = { ...(hijacked as Route), destination: parseCidr('10.100.0.0/16') };
  const foreign = { ...left, destination: parseCidr('10.101.0.0/16'), protocol: 3 };
  const findings = difference(desired.pod, { ...pod, routes: [...pod.routes, left, foreign] });
  assert.deepEqual(mismatches(findings), [], 'no fault for CHECK');
  assert.deepEqual(changesOf(findings), [{ verb: 'delete', kind: 'route', route: left }]);
  const moved = { dev: hostLink, address: parseCidr('10.6.0.99/32'), scope: 'global' } as const;
  const local = { dev: hostLink, address: parseCidr('fe80::1/64'), scope: 'link' } as const;
  const addresses = difference(desired.node, { ...node, addresses: [...node.addresses, moved, local] });
  assert.deepEqual(changesOf(addresses), [{ verb: 'delete', kind: 'address', address: moved }]);
});

test('the shared rules of a node are never stale, whatever families a pod has', () => {
  const oneFamily = { ...desired.node, rules: desired.node.rules.slice(0, 1) };
  assert.deepEqual(difference(oneFamily, node), []);
});

test('from nothing, links come first, then link routes, routes through gateways, and rules', () => {
  const nothing = {
    ...pod,
    links: [nic],
    addresses: desired.pod.expectedAddresses,
    routes: [],
    rules: [],
    neighbours: [],
    table: [],
  };
  const kinds = changesOf(difference(desired.pod, nothing)).map((change) =>
    change.kind === 'route' && change.route.gateway !== undefined ? 'gateway route' : change.kind,
  );
  const order = ['link', 'neighbour', 'route', 'gateway route', 'rule'];
  assert.deepEqual(
    kinds,
    kinds.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)),
  );
  assert.deepEqual([...new Set(kinds)], order);
});

test('a host link that another sandbox left is made again, with all objects that depend on it', () => {
  const alone = networkDifference(desired, { pod: { ...pod, links: [nic] }, node });
  assert.deepEqual(
    changesOf(alone.node)
      .slice(0, 2)
      .map(({ verb, kind }) => `${verb} ${kind}`),
    ['delete link', 'create link'],
  );
  assert.equal(changesOf(alone.node).filter(({ kind }) => kind === 'route').length, 2);
});

test('another program’s veth0 in the pod is not changed', () => {
  const { pod: inPod } = networkDifference(desired, {
    pod: { ...pod, links: [{ ...podEnd, linkIndex: 77 }, nic] },
    node: { ...node, links: [] },
  });
  assert.equal(inPod[0]?.problem, `link ${hostLink} of the node is not the peer of veth0 in the pod`);
  assert.equal(inPod[0]?.fix, undefined);
});

test('limits that an administrator raised stay', () => {
  const key = 'ipv4/neigh/default/gc_thresh3';
  const limits: DesiredNamespace = {
    ...desired.node,
    sysctls: [{ key, value: '28160', atLeast: true, owner: 'node' }],
  };
  const found = (value: string) =>
    mismatches(difference(limits, { ...node, sysctls: new Map([[key, value]]) }));
  assert.deepEqual(found('100000'), []);
  assert.deepEqual(found('1024'), ['sysctl net/ipv4/neigh/default/gc_thresh3 is 1024, not 28160']);
});

const keeps = madeBy('eth0', '::/0', 'fd00:6::1');
const loses = madeBy('net1', '::/0', 'fd00:7::1');
const moving: DesiredNamespace = { ...desired.pod, unwantedRoutes: [loses] };
const withoutDefault6 = pod.routes.filter(
  (route) => formatCidr(route.destination) !== '::/0' || route.table !== MAIN_TABLE,
);

test('a default route that moved is removed last, after the changes of rules and tables', () => {
  const observed = { ...pod, rules: [], routes: [...pod.routes, loses] };
  const kinds = changesOf(difference(moving, observed)).map(({ verb, kind }) => `${verb} ${kind}`);
  assert.deepEqual(kinds, ['create rule', 'create rule', 'delete route']);
});

test('only the moved hop of an IPv6 route with two NICs is deleted', () => {
  const { dev: _, gateway: _gateway, ...rest } = keeps;
  const nextHops = [keeps, loses].map(({ dev, gateway }) => ({
    ...(dev !== undefined && { dev }),
    ...(gateway !== undefined && { gateway }),
    weight: 1,
  }));
  const observed = { ...pod, routes: [...withoutDefault6, { ...rest, nextHops }] };
  assert.deepEqual(changesOf(difference(moving, observed)), [
    { verb: 'delete', kind: 'route', route: loses },
  ]);
});

test('a default route that comes back replaces the one that leaves', () => {
  const observed = { ...pod, routes: [...withoutDefault6, loses] };
  const changes = changesOf(difference(moving, observed));
  assert.deepEqual(
    changes.map(({ verb, kind }) => `${verb} ${kind}`),
    ['delete route', 'create route'],
  );
});

test('a user’s default route in main is not changed', () => {
  const own = madeBy('eth0', '::/0', 'fd00:6::99', { protocol: 4 });
  assert.deepEqual(difference(moving, { ...pod, routes: [...withoutDefault6, own] }), []);
});
