import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddress, parseCidr } from '#ip';
import { MAIN_TABLE } from '#net';
import { routeText } from '../state/text.ts';
import { calico, macvlan, madeBy, node4, plan, rules, table } from './golden-fixture.ts';
import { planPod } from './pod.ts';

// Golden tables G2 and G3 of Spiderpool: pods with underlay NICs alone, with the repairs of docs/adr/0020.

const host = 'veth0123456789a';
const eth0 = (families: readonly (4 | 6)[] = [4], netConf = {}) =>
  macvlan('eth0', 6, '168.172', families, { netConf });
const net1 = (families: readonly (4 | 6)[] = [4], netConf = {}) =>
  macvlan('net1', 7, '168.173', families, { table: 101, netConf });
const toNet1 = { podDefaultRouteNic: 'net1' };

describe('G2: eth0 keeps the default route', () => {
  test('IPv4', () => {
    const { pod, node } = plan([eth0(), net1()]);
    assert.deepEqual(rules(plan([eth0(), net1()])), [
      '1000: from all fwmark 0x1 lookup 100',
      '1001: from 10.6.168.172 lookup 99',
      '1001: from 10.7.168.173 lookup 101',
    ]);
    assert.deepEqual(table(pod.routes, 99), [
      '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.6.0.0/16 dev eth0 scope link src 10.6.168.172',
      '10.6.212.101 dev veth0 scope link src 10.6.168.172',
      'default via 10.6.0.1 dev eth0',
    ]);
    assert.deepEqual(table(pod.routes, MAIN_TABLE), [
      '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.6.212.101 dev veth0 scope link src 10.6.168.172',
      'default via 10.6.0.1 dev eth0',
    ]);
    assert.deepEqual(pod.unwantedRoutes.map(routeText), ['default via 10.7.0.1 dev net1']);
    assert.deepEqual(table(pod.routes, 100), ['default via 10.6.212.101 dev veth0 src 10.6.168.172']);
    assert.deepEqual(table(pod.routes, 101), [
      '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.6.212.101 dev veth0 scope link src 10.6.168.172',
      '10.7.0.0/16 dev net1 scope link src 10.7.168.173',
      'default via 10.7.0.1 dev net1',
    ]);
    assert.deepEqual(table(node.routes, 500), [
      `10.6.168.172 dev ${host} scope link`,
      `10.7.168.173 dev ${host} scope link`,
    ]);
  });

  test('IPv6', () => {
    const desired = plan([eth0([6]), net1([6])]);
    assert.deepEqual(rules(desired, 6), [
      '1000: from all fwmark 0x1 lookup 100',
      '1001: from fd00:10:6::172 lookup 99',
      '1001: from fd00:10:7::173 lookup 101',
    ]);
    assert.deepEqual(table(desired.pod.routes, 101, 6), [
      'default via fd00:10:7::1 dev net1 metric 1024',
      'fd00:10:233::/116 via fd00:10:6::101 dev veth0 src fd00:10:6::172 metric 1024',
      'fd00:10:6::101 dev veth0 src fd00:10:6::172 metric 1024',
      'fd00:10:7::/64 dev net1 metric 256',
    ]);
    assert.deepEqual(desired.pod.unwantedRoutes.map(routeText), [
      'default via fd00:10:7::1 dev net1 metric 1024',
    ]);
  });

  test('a third NIC has table 102, with the same routes to the node and Services as the second', () => {
    const net2 = macvlan('net2', 8, '212.228', [4], { table: 102 });
    const desired = plan([eth0(), net1(), net2]);
    assert.deepEqual(rules(desired).slice(1), [
      '1001: from 10.6.168.172 lookup 99',
      '1001: from 10.7.168.173 lookup 101',
      '1001: from 10.8.212.228 lookup 102',
    ]);
    assert.deepEqual(
      table(desired.pod.routes, 102),
      table(desired.pod.routes, 101).map((line) =>
        line.replaceAll('10.7.', '10.8.').replace('168.173', '212.228').replace('net1', 'net2'),
      ),
    );
  });
});

describe('G3: net1 has the default route', () => {
  test('IPv4', () => {
    const desired = plan([eth0(), net1([4], toNet1)]);
    assert.deepEqual(rules(desired), [
      '1000: from all fwmark 0x1 lookup 100',
      '1001: from 10.6.168.172 lookup 101',
      '1001: from 10.7.168.173 lookup 99',
    ]);
    assert.deepEqual(table(desired.pod.routes, MAIN_TABLE), [
      '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.6.212.101 dev veth0 scope link src 10.6.168.172',
      'default via 10.7.0.1 dev net1',
    ]);
    assert.deepEqual(desired.pod.unwantedRoutes.map(routeText), ['default via 10.6.0.1 dev eth0']);
    assert.deepEqual(table(desired.pod.routes, 101), [
      '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.6.0.0/16 dev eth0 scope link src 10.6.168.172',
      '10.6.212.101 dev veth0 scope link src 10.6.168.172',
      'default via 10.6.0.1 dev eth0',
    ]);
  });

  test('IPv6', () => {
    const desired = plan([eth0([6]), net1([6], toNet1)]);
    assert.deepEqual(rules(desired, 6)[1], '1001: from fd00:10:6::172 lookup 101');
    assert.ok(table(desired.pod.routes, 101, 6).includes('default via fd00:10:6::1 dev eth0 metric 1024'));
    assert.ok(table(desired.pod.routes, 101, 6).includes('fd00:10:6::/64 dev eth0 metric 256'));
    assert.deepEqual(desired.pod.unwantedRoutes.map(routeText), [
      'default via fd00:10:6::1 dev eth0 metric 1024',
    ]);
  });

  test('with three NICs, the first gets the table of the NIC that has main’s default route', () => {
    const net2 = macvlan('net2', 8, '212.228', [4], {
      table: 102,
      netConf: { podDefaultRouteNic: 'net2' },
    });
    assert.deepEqual(rules(plan([eth0(), net1(), net2])).slice(1), [
      '1001: from 10.6.168.172 lookup 102',
      '1001: from 10.7.168.173 lookup 101',
      '1001: from 10.8.212.228 lookup 99',
    ]);
  });
});

test('both families: each family has the objects that it has alone', () => {
  const both = plan([eth0([4, 6]), net1([4, 6])]);
  for (const family of [4, 6] as const) {
    const alone = plan([eth0([family]), net1([family])]);
    assert.deepEqual(rules(both, family), rules(alone, family));
    for (const number of [MAIN_TABLE, 99, 100, 101]) {
      assert.deepEqual(table(both.pod.routes, number, family), table(alone.pod.routes, number, family));
    }
  }
});

test('NodePort replies leave by veth0 although net1 has the default route, because the mark’s rule precedes rules by source', () => {
  const { pod } = plan([eth0(), net1([4], toNet1)]);
  const marked = pod.rules.filter((rule) => rule.mark !== undefined).map(({ priority }) => priority);
  const bySource = pod.rules.filter((rule) => rule.from !== undefined).map(({ priority }) => priority);
  assert.ok(Math.max(...marked) < Math.min(...bySource));
  assert.ok(Math.max(...bySource) < 32_766, 'and all before main');
});

test('sockets bound to a later NIC’s address reach Services, because every table has the node and the hijacked networks', () => {
  const { routes } = plan([eth0(), net1()]).pod;
  for (const number of [MAIN_TABLE, 101]) {
    const lines = table(routes, number);
    assert.ok(lines.some((line) => line.startsWith('10.233.0.0/18 via')));
    assert.ok(lines.some((line) => line.startsWith('10.6.212.101 dev veth0')));
  }
});

test('a route that moves keeps its metric, MTU, onlink flag and next hops', () => {
  const nic = net1();
  const special = madeBy('net1', '0.0.0.0/0', '192.0.2.1', { metric: 50, mtuBytes: 1400, onlink: true });
  const { dev: _, gateway: _gateway, ...several } = madeBy('net1', '10.20.0.0/16', '10.7.0.8');
  const nextHops = [
    { dev: 'net1', gateway: parseAddress('10.7.0.8'), weight: 1 },
    { dev: 'net1', gateway: parseAddress('10.7.0.9'), weight: 2 },
  ];
  const routes = [special, { ...several, nextHops }];
  const desired = plan([eth0(), { ...nic, routes }]);
  const lines = table(desired.pod.routes, 101);
  assert.ok(lines.includes('default via 192.0.2.1 dev net1 metric 50 mtu 1400 onlink'), lines.join('\n'));
  assert.ok(
    lines.includes(
      '10.20.0.0/16 nexthop via 10.7.0.8 dev net1 weight 1 nexthop via 10.7.0.9 dev net1 weight 2',
    ),
    lines.join('\n'),
  );
  assert.equal(desired.pod.unwantedRoutes.length, 1, 'what is no default route stays in main too');
});

test('a requested default route NIC may come later: the default route stays until then, with a note', () => {
  const desired = plan([eth0(), net1([4], { podDefaultRouteNic: 'net2' })]);
  assert.deepEqual(rules(desired)[2], '1001: from 10.7.168.173 lookup 101');
  assert.ok(desired.notes.some((note) => note.startsWith("podDefaultRouteNIC: net2 don't exist in pod")));
});

test('tunePodRoutes false leaves the default routes of the plugins unchanged', () => {
  const desired = plan([eth0(), net1([4], { tunePodRoutes: false, ...toNet1 })]);
  assert.deepEqual(
    rules(desired).slice(1),
    ['1001: from 10.6.168.172 lookup 99'],
    'eth0 has its answers still',
  );
  assert.deepEqual(desired.pod.unwantedRoutes, []);
});

test('families on different NICs: net1 with IPv4 alone gets the IPv4 routes to its node, and eth0 keeps IPv6', () => {
  const desired = plan([eth0([6]), net1([4])]);
  assert.deepEqual(rules(desired, 4), ['1000: from all fwmark 0x1 lookup 100']);
  assert.deepEqual(rules(desired, 6), ['1000: from all fwmark 0x1 lookup 100']);
  assert.deepEqual(table(desired.pod.routes, MAIN_TABLE), [
    '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.7.168.173',
    '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.7.168.173',
    '10.6.212.101 dev veth0 scope link src 10.7.168.173',
    'default via 10.7.0.1 dev net1',
  ]);
  assert.ok(
    table(desired.pod.routes, MAIN_TABLE, 6).includes('default via fd00:10:6::1 dev eth0 metric 1024'),
  );
  assert.deepEqual(desired.pod.unwantedRoutes, []);
});

test('net1 with IPv4 alone takes the IPv4 default route and leaves IPv6 to eth0', () => {
  const desired = plan([eth0([4, 6]), net1([4], toNet1)]);
  assert.deepEqual(rules(desired, 4)[1], '1001: from 10.6.168.172 lookup 101');
  assert.deepEqual(rules(desired, 6), ['1000: from all fwmark 0x1 lookup 100']);
  assert.deepEqual(desired.pod.unwantedRoutes.map(routeText), ['default via 10.6.0.1 dev eth0']);
});

test('rp_filter is set on `all`, every NIC and veth0, so inherited strict values are relaxed', () => {
  const keys = plan([eth0(), net1()]).pod.sysctls.map(({ key, value }) => `${key}=${value}`);
  assert.deepEqual(
    keys,
    ['all', 'eth0', 'net1', 'veth0'].map((dev) => `ipv4/conf/${dev}/rp_filter=0`),
  );
  const mixed = plan([eth0(), net1([4], { podRPFilter: 2 })]).pod.sysctls;
  assert.deepEqual(
    mixed.map(({ value }) => value),
    ['0', '0', '2', '0'],
    'the kernel takes the larger of `all` and the NIC’s',
  );
});

test('policy routes of a later NIC are in its table, and in main for programs that set no source', () => {
  const policyRoutes = (gw: string, ...nets: number[]) => ({
    policyRoutes: nets.map((net) => ({ dst: `172.${net}.0.0/16`, gw })),
  });
  const nics = [eth0([4], policyRoutes('10.6.0.254', 30)), net1([4], policyRoutes('10.7.0.254', 30, 31))];
  const { routes } = plan(nics).pod;
  const policies = (number: number) => table(routes, number).filter((line) => line.startsWith('172.3'));
  assert.deepEqual(policies(MAIN_TABLE), [
    '172.30.0.0/16 via 10.6.0.254 dev eth0',
    '172.31.0.0/16 via 10.7.0.254 dev net1',
  ]);
  assert.deepEqual(policies(101), [
    '172.30.0.0/16 via 10.7.0.254 dev net1',
    '172.31.0.0/16 via 10.7.0.254 dev net1',
  ]);
  assert.deepEqual(policies(99), ['172.30.0.0/16 via 10.6.0.254 dev eth0'], 'eth0’s own alone');
});

test('a hijacked address of the node has only the node’s route', () => {
  const { pod } = plan([eth0([4], { hijackCIDR: ['10.6.212.101'] })]);
  assert.deepEqual(
    table(pod.routes, MAIN_TABLE).filter((line) => line.startsWith('10.6.212.101')),
    ['10.6.212.101 dev veth0 scope link src 10.6.168.172'],
  );
});

test('a network that is both hijacked and a policy route uses the node, once in every table', () => {
  const both = { hijackCIDR: ['172.30.0.0/16'], policyRoutes: [{ dst: '172.30.0.0/16', gw: '10.7.0.254' }] };
  const { pod, notes } = plan([eth0([4], both), net1([4], both)]);
  for (const number of [MAIN_TABLE, 101]) {
    assert.deepEqual(
      table(pod.routes, number).filter((line) => line.startsWith('172.30')),
      ['172.30.0.0/16 via 10.6.212.101 dev veth0 src 10.6.168.172'],
      `table ${number}`,
    );
  }
  assert.ok(notes.includes('policy route 172.30.0.0/16 is left out: it is hijacked'), notes.join('; '));
});

test('policy routes beside an overlay: other underlay networks are reached by net1, not through the node', () => {
  const policyRoutes = [{ dst: '10.8.0.0/16', gw: '10.6.0.254' }];
  const { pod } = plan(
    [macvlan('net1', 6, '212.227', [4], { table: 101, netConf: { policyRoutes } })],
    calico,
  );
  for (const number of [MAIN_TABLE, 101])
    assert.ok(table(pod.routes, number).includes('10.8.0.0/16 via 10.6.0.254 dev net1'), `table ${number}`);
});

test('MAC prefix and queue length belong to each NIC separately', () => {
  const { pod, nics } = plan([eth0(), net1([4], { podMACPrefix: '0a:1b', txQueueLen: 77 })]);
  assert.deepEqual(
    nics.map(({ mac }) => mac),
    [undefined, '0a:1b:0a:07:a8:ad'],
  );
  const links = pod.links.map(({ name, mac, txQueueLength }) => [name, mac, txQueueLength]);
  assert.deepEqual(links.slice(1), [
    ['eth0', undefined, undefined],
    ['net1', '0a:1b:0a:07:a8:ad', 77],
  ]);
});

test('a NIC that leaves returns the default route, and its own does not stay in main', () => {
  const { pod } = planPod({
    containerId: '0123456789abcdef',
    nics: [eth0()],
    nodeAddresses: [node4],
    leaving: net1([4], toNet1),
  });
  assert.equal(table(pod.routes, MAIN_TABLE).at(-1), 'default via 10.6.0.1 dev eth0');
  assert.deepEqual(pod.unwantedRoutes.map(routeText), ['default via 10.7.0.1 dev net1']);
  assert.ok(pod.rules.every(({ from }) => from === undefined));
});

test('on a node without the NIC’s family, the NIC’s table has only its own routes', () => {
  const desired = plan([eth0([6]), net1([6])], undefined, [node4]);
  assert.deepEqual(table(desired.pod.routes, 101, 6), [
    'default via fd00:10:7::1 dev net1 metric 1024',
    'fd00:10:7::/64 dev net1 metric 256',
  ]);
});

test('a hijacked network that equals another NIC’s own LAN is reached on that LAN', () => {
  const { pod } = plan([eth0([4], { hijackCIDR: ['10.7.0.0/16'] }), net1()]);
  assert.deepEqual(
    pod.routes.filter(
      (route) =>
        route.dev === 'veth0' && route.destination.address.value === parseCidr('10.7.0.0/16').address.value,
    ),
    [],
  );
});

test('a default route of a router’s advertisement moves, and the next advertisement does not bring it back', () => {
  const advertised = madeBy('net1', '::/0', 'fe80::1', { protocol: 9 });
  const desired = plan([eth0([6]), { ...net1([6]), routes: [advertised] }]);
  assert.ok(table(desired.pod.routes, 101, 6).includes('default via fe80::1 dev net1 metric 1024'));
  const keys = desired.pod.sysctls.map(({ key, value }) => `${key}=${value}`);
  assert.ok(keys.includes('ipv6/conf/net1/accept_ra_defrtr=0'));
  assert.ok(!keys.some((key) => key.includes('eth0/accept_ra')));
});
