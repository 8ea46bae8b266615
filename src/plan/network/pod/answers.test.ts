import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAIN_TABLE } from '#net';
import { calico, macvlan, madeBy, plan, rules, table } from './golden-fixture.ts';

// What is asked on a NIC is answered on it, in pods of several NICs, without a default route, and beside an overlay.

const eth0 = (families: readonly (4 | 6)[] = [4], netConf = {}) =>
  macvlan('eth0', 6, '168.172', families, { netConf });
const net1 = (families: readonly (4 | 6)[] = [4], netConf = {}) =>
  macvlan('net1', 7, '168.173', families, { table: 101, netConf });
const withoutDefault = (nic: ReturnType<typeof eth0>) => ({
  ...nic,
  routes: nic.routes.filter(({ destination }) => destination.prefixLength > 0),
});

test('a pod with one NIC has only the reply rule, also with policy routes', () => {
  const policyRoutes = [{ dst: '172.30.0.0/16', gw: '10.6.0.254' }];
  for (const netConf of [{}, { policyRoutes }]) {
    const desired = plan([eth0([4, 6], netConf)]);
    assert.deepEqual(rules(desired), ['1000: from all fwmark 0x1 lookup 100']);
    assert.deepEqual([...new Set(desired.pod.routes.map((route) => route.table))].sort(), [100, MAIN_TABLE]);
  }
});

test('families on different NICs need no tables, because no NIC can take another’s answers', () => {
  const desired = plan([eth0([6]), net1([4])]);
  for (const family of [4, 6] as const)
    assert.deepEqual(rules(desired, family), ['1000: from all fwmark 0x1 lookup 100']);
});

test('the NIC with main’s default route of a family that the first NIC lacks has a table of its own for it', () => {
  const net2 = macvlan('net2', 8, '212.228', [4, 6], { table: 102 });
  const desired = plan([eth0([4]), net1([4, 6]), net2]);
  assert.deepEqual(rules(desired, 6).slice(1), [
    '1001: from fd00:10:7::173 lookup 101',
    '1001: from fd00:10:8::228 lookup 102',
  ]);
  assert.ok(table(desired.pod.routes, 101, 6).includes('default via fd00:10:7::1 dev net1 metric 1024'));
  assert.deepEqual(rules(desired, 4).slice(1), [
    '1001: from 10.6.168.172 lookup 99',
    '1001: from 10.7.168.173 lookup 101',
    '1001: from 10.8.212.228 lookup 102',
  ]);
});

test('with tunePodRoutes false the answers of main’s NIC use main', () => {
  const desired = plan([eth0([4], { tunePodRoutes: false }), net1()]);
  assert.deepEqual(rules(desired).slice(1), ['1001: from 10.7.168.173 lookup 101']);
});

test('a default route that a router advertises to main’s NIC stays in main only, and ends with the router', () => {
  const advertised = madeBy('eth0', '::/0', 'fe80::1', { protocol: 9 });
  const nic = eth0([6]);
  const desired = plan([{ ...withoutDefault(nic), routes: [advertised] }, net1([6])]);
  assert.ok(table(desired.pod.routes, 99, 6).every((line) => !line.startsWith('default')));
  assert.ok(rules(desired, 6).includes('1001: from fd00:10:6::172 lookup 99'));
});

test('beside an overlay’s NIC that does not lead to the node, the NIC’s table leads to the node too', () => {
  const first = macvlan('eth0', 5, '0.9', [4]);
  const desired = plan([macvlan('net1', 6, '212.227', [4], { table: 101 })], {
    ...first,
    mac: '02:00:00:00:00:09',
  });
  assert.ok(rules(desired).includes('1001: from 10.5.0.9 lookup 99'));
  const lines = table(desired.pod.routes, 99);
  assert.ok(lines.includes('10.6.212.101 dev veth0 scope link src 10.5.0.9'), lines.join('\n'));
  assert.ok(lines.includes('10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.5.0.9'));
  assert.ok(lines.includes('default via 10.5.0.1 dev eth0'));
});

test('without a default route, answers find a way after main, and requests do not', () => {
  const desired = plan([withoutDefault(eth0([4, 6]))]);
  assert.deepEqual(rules(desired).slice(1), [
    '32768: from all ipproto icmp lookup 98',
    '32768: from all ipproto tcp sport 1-65534 lookup 98',
    '32768: from all sport 1-32767 lookup 98',
  ]);
  assert.deepEqual(table(desired.pod.routes, 98), ['default dev veth0 scope link src 10.6.168.172']);
  assert.ok(rules(desired, 6).includes('32768: from all ipproto ipv6-icmp lookup 98'));
  assert.deepEqual(table(desired.pod.routes, 98, 6), ['default dev veth0 metric 1024']);
});

test('each family is decided separately: IPv4 with a default route has no last resort', () => {
  const desired = plan([{ ...eth0([4, 6]), routes: [madeBy('eth0', '0.0.0.0/0', '10.6.0.1')] }]);
  assert.deepEqual(rules(desired), ['1000: from all fwmark 0x1 lookup 100']);
  assert.equal(rules(desired, 6).length, 4);
});

test('replies beside an overlay use its default route, or else the node', () => {
  const { pod } = plan([macvlan('net1', 6, '212.227', [4, 6], { table: 101 })], {
    ...calico,
    addresses: calico.addresses.slice(0, 1),
    routes: calico.routes.filter(({ destination }) => destination.address.family === 4),
  });
  assert.deepEqual(table(pod.routes, 100), ['default via 169.254.1.1 dev eth0']);
  assert.deepEqual(table(pod.routes, 100, 6), ['default via fd00:10:6::101 dev eth0 metric 1024']);
  assert.match(
    pod.table?.rules[0]?.commands ?? '',
    /iifname "eth0" ct state new fib daddr \. iif type unicast/,
  );
});

test('loose rp_filter is not set on links without an IPv4 address, where the kernel would make it strict', () => {
  const values = (netConf: object, nics = [eth0([4], netConf)]) =>
    plan(nics).pod.sysctls.map(({ key, value }) => `${key.split('/')[2]}=${value}`);
  assert.deepEqual(values({ podRPFilter: 2 }), ['all=0', 'eth0=2', 'veth0=0']);
  assert.deepEqual(values({ podRPFilter: 1 }), ['all=1', 'eth0=1', 'veth0=1']);
  const numbered = { podRPFilter: 2, vethLinkAddress: '169.254.100.1' };
  assert.deepEqual(values(numbered), ['all=2', 'eth0=2', 'veth0=2']);
  assert.deepEqual(
    plan(
      [macvlan('net1', 6, '212.227', [4], { table: 101, netConf: { podRPFilter: 2 } })],
      calico,
    ).pod.sysctls.map(({ value }) => value),
    ['2', '2', '2'],
    'an overlay’s NIC has an address',
  );
});
