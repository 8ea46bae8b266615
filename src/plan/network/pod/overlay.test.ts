import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAIN_TABLE } from '#net';
import { neighbourText, routeText } from '../state/text.ts';
import { calico, macvlan, plan, rules, settingsOf, table } from './golden-fixture.ts';
import { planWithoutNics } from './pod.ts';

// Golden tables G4 and G5 of Spiderpool: a pod of an overlay with underlay NICs besides.

const net1 = (families: readonly (4 | 6)[] = [4], netConf = {}) =>
  macvlan('net1', 6, '212.227', families, { table: 101, netConf });
const cali = 'cali12345678901';
const eth0Source = 'src 10.233.105.154';

describe('G4: the overlay’s eth0 keeps the default route', () => {
  test('IPv4', () => {
    const desired = plan([net1()], calico);
    assert.equal(desired.veth, undefined, 'the overlay’s veth leads to the node');
    assert.deepEqual(rules(desired), [
      '1000: from all fwmark 0x1 lookup 100',
      '1001: from 10.233.105.154 lookup 100',
      '1001: from 10.6.212.227 lookup 101',
    ]);
    assert.deepEqual(table(desired.pod.routes, MAIN_TABLE), [
      `10.233.0.0/18 via 10.6.212.101 dev eth0 ${eth0Source}`,
      `10.233.64.0/18 via 10.6.212.101 dev eth0 ${eth0Source}`,
      `10.6.212.101 dev eth0 scope link ${eth0Source}`,
      'default via 169.254.1.1 dev eth0',
    ]);
    assert.deepEqual(table(desired.pod.routes, 100), ['default via 169.254.1.1 dev eth0']);
    assert.deepEqual(table(desired.pod.routes, 101), [
      `10.233.0.0/18 via 10.6.212.101 dev eth0 ${eth0Source}`,
      `10.233.64.0/18 via 10.6.212.101 dev eth0 ${eth0Source}`,
      '10.6.0.0/16 dev net1 scope link src 10.6.212.227',
      `10.6.212.101 dev eth0 scope link ${eth0Source}`,
      'default via 10.6.0.1 dev net1',
    ]);
    assert.deepEqual(desired.pod.unwantedRoutes.map(routeText), ['default via 10.6.0.1 dev net1']);
  });

  test('the node: only the underlay NIC’s address, by the overlay’s link, with the MAC address of eth0', () => {
    const { node, pod } = plan([net1()], calico);
    assert.deepEqual(table(node.routes, 500), [`10.6.212.227 dev ${cali} scope link`]);
    assert.deepEqual(node.neighbours.map(neighbourText), [
      `10.6.212.227 dev ${cali} lladdr ${calico.mac} PERMANENT`,
    ]);
    assert.deepEqual(pod.neighbours.map(neighbourText), [
      '10.6.212.101 dev eth0 lladdr ee:ee:ee:ee:ee:ee PERMANENT',
    ]);
    assert.deepEqual(
      node.links.map(({ name, type, mac }) => [name, type, mac]),
      [[cali, undefined, undefined]],
      'the overlay’s link is not touched',
    );
    assert.deepEqual(node.addresses, []);
  });

  test('IPv6', () => {
    const desired = plan([net1([6])], calico);
    assert.deepEqual(rules(desired, 6), [
      '1000: from all fwmark 0x1 lookup 100',
      '1001: from fd00:10:6::227 lookup 101',
      '1001: from fd00:ca::154 lookup 100',
    ]);
    assert.deepEqual(table(desired.pod.routes, 100, 6), [
      'default via fe80::ecee:eeff:feee:eeee dev eth0 metric 1024',
    ]);
    assert.deepEqual(rules(desired, 4), [], 'IPv4 stays as the overlay has it');
    assert.deepEqual(table(desired.pod.routes, MAIN_TABLE, 4), ['default via 169.254.1.1 dev eth0']);
  });

  test('a second NIC has table 102, with the same Services as the first', () => {
    const net2 = macvlan('net2', 7, '212.228', [4], { table: 102 });
    const desired = plan([net1(), net2], calico);
    assert.deepEqual(rules(desired), [
      '1000: from all fwmark 0x1 lookup 100',
      '1001: from 10.233.105.154 lookup 100',
      '1001: from 10.6.212.227 lookup 101',
      '1001: from 10.7.212.228 lookup 102',
    ]);
    assert.deepEqual(table(desired.pod.routes, 102), [
      `10.233.0.0/18 via 10.6.212.101 dev eth0 ${eth0Source}`,
      `10.233.64.0/18 via 10.6.212.101 dev eth0 ${eth0Source}`,
      `10.6.212.101 dev eth0 scope link ${eth0Source}`,
      '10.7.0.0/16 dev net2 scope link src 10.7.212.228',
      'default via 10.7.0.1 dev net2',
    ]);
  });
});

test('G5: net1 has the default route, eth0’s moves to table 101 with all its routes, and table 100 has the replies’', () => {
  const desired = plan([net1([4], { podDefaultRouteNic: 'net1' })], calico);
  assert.deepEqual(rules(desired), [
    '1000: from all fwmark 0x1 lookup 100',
    '1001: from 10.233.105.154 lookup 101',
    '1001: from 10.6.212.227 lookup 99',
  ]);
  assert.deepEqual(table(desired.pod.routes, 100), ['default via 169.254.1.1 dev eth0']);
  assert.deepEqual(table(desired.pod.routes, 99), [
    `10.233.0.0/18 via 10.6.212.101 dev eth0 ${eth0Source}`,
    `10.233.64.0/18 via 10.6.212.101 dev eth0 ${eth0Source}`,
    '10.6.0.0/16 dev net1 scope link src 10.6.212.227',
    `10.6.212.101 dev eth0 scope link ${eth0Source}`,
    'default via 10.6.0.1 dev net1',
  ]);
  assert.deepEqual(table(desired.pod.routes, MAIN_TABLE).at(-1), 'default via 10.6.0.1 dev net1');
  assert.deepEqual(table(desired.pod.routes, 101), [
    `10.233.0.0/18 via 10.6.212.101 dev eth0 ${eth0Source}`,
    `10.233.64.0/18 via 10.6.212.101 dev eth0 ${eth0Source}`,
    `10.6.212.101 dev eth0 scope link ${eth0Source}`,
    '169.254.1.1 dev eth0 scope link',
    'default via 169.254.1.1 dev eth0',
  ]);
  assert.deepEqual(desired.pod.unwantedRoutes.map(routeText), ['default via 169.254.1.1 dev eth0']);
});

describe('an overlay’s NIC that does not lead to the node', () => {
  test('Cilium drops packets with foreign sources, so later NICs reach the node by a veth pair of ours', () => {
    const lxc = { ...calico, peer: { name: 'lxc1234', mac: 'ee:ee:ee:ee:ee:ee', kind: 'veth' } };
    const desired = plan([net1()], lxc);
    assert.deepEqual(table(desired.node.routes, 500), ['10.6.212.227 dev veth0123456789a scope link']);
    assert.deepEqual(
      table(desired.pod.routes, MAIN_TABLE),
      table(plan([net1()], calico).pod.routes, MAIN_TABLE),
    );
    assert.ok(table(desired.pod.routes, 101).includes('10.6.212.101 dev veth0 scope link src 10.6.212.227'));
    assert.deepEqual(rules(desired), [
      '1000: from all fwmark 0x1 lookup 100',
      '1001: from 10.233.105.154 lookup 99',
      '1001: from 10.6.212.227 lookup 101',
    ]);
    assert.deepEqual(table(desired.pod.routes, 99), ['default via 169.254.1.1 dev eth0']);
    assert.deepEqual(
      table(desired.pod.routes, 100),
      [
        '10.6.212.101 dev veth0 scope link src 10.6.212.227',
        'default via 10.6.212.101 dev veth0 src 10.6.212.227',
      ],
      'the gateway’s link route too, since main leads to it by eth0',
    );
  });

  test('a macvlan eth0 of another plugin does not lead to the node: its parent gets nothing, and our veth pair is used', () => {
    const first = macvlan('eth0', 5, '0.9', [4]);
    const desired = plan([net1()], { ...first, mac: '02:00:00:00:00:09' });
    assert.deepEqual([...new Set(desired.node.routes.map(({ dev }) => dev))], ['veth0123456789a']);
    assert.ok(
      table(desired.pod.routes, MAIN_TABLE).includes('10.6.212.101 dev veth0 scope link src 10.5.0.9'),
    );
    assert.deepEqual(table(desired.node.routes, 500), [
      '10.5.0.9 dev veth0123456789a scope link',
      '10.6.212.227 dev veth0123456789a scope link',
    ]);
  });
});

test('when the last of our NICs leaves, nothing of ours stays and the overlay’s default route comes back', () => {
  const leaving = net1([4], { podDefaultRouteNic: 'net1' });
  const left = planWithoutNics({ containerId: 'a', overlay: calico, leaving });
  assert.deepEqual(left.routes.map(routeText), [
    'default via 169.254.1.1 dev eth0',
    'default via fe80::ecee:eeff:feee:eeee dev eth0 metric 1024',
  ]);
  assert.deepEqual(left.unwantedRoutes.map(routeText), ['default via 10.6.0.1 dev net1']);
  assert.deepEqual([left.rules, left.complete], [[], true]);
});

test('a small veth MTU matters only with a veth of ours', () => {
  const nic = { ...net1([6]), settings: settingsOf({ vethMTU: 1000 }) };
  assert.doesNotThrow(() => plan([nic], calico));
});
