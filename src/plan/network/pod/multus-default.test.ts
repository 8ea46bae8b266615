import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '#ip';
import { MAIN_TABLE } from '#net';
import { macvlan, plan, rules, table } from './golden-fixture.ts';
import type { NicInput } from './nic.ts';

type Plan = ReturnType<typeof plan>;

/** The NICs of a pod that asks Multus for these gateways. */
function asking(nics: readonly NicInput[], gateways: Readonly<Record<string, string>>): NicInput[] {
  const multusDefaults = Object.entries(gateways).map(([gateway, nic]) => ({
    nic,
    gateway: parseAddress(gateway),
  }));
  return nics.map((nic) => ({ ...nic, settings: { ...nic.settings, multusDefaults } }));
}

const eth0 = macvlan('eth0', 6, '0.5', [4, 6]);
const net1 = macvlan('net1', 7, '0.5', [4, 6], { table: 101 });
const net2 = macvlan('net2', 8, '0.5', [4, 6], { table: 102 });
const defaults = ({ pod }: Plan) =>
  ([4, 6] as const).flatMap((family) =>
    table(pod.routes, MAIN_TABLE, family).filter((text) => text.startsWith('default')),
  );

test('when the families use different NICs, main has the default route of each by the requested NIC', () => {
  const desired = plan(asking([eth0, net1, net2], { '10.7.0.1': 'net1', 'fd00:10:8::1': 'net2' }));
  assert.deepEqual(defaults(desired), [
    'default via 10.7.0.1 dev net1',
    'default via fd00:10:8::1 dev net2 metric 1024',
  ]);
});

test('a family without a gateway has no default route in main, and the plan adds none', () => {
  const desired = plan(asking([eth0, net1], { '10.7.0.1': 'net1' }));
  assert.deepEqual(defaults(desired), ['default via 10.7.0.1 dev net1']);
  const left = desired.pod.leftRoutes.map(({ dev, destination }) => `${destination.address.family} ${dev}`);
  assert.deepEqual(left, ['4 eth0', '6 eth0', '4 net1', '6 net1']);
});

test('while net1 is awaited, eth0 has no default route in main and answers by its own table', () => {
  const desired = plan(asking([eth0], { '10.7.0.1': 'net1' }));
  assert.deepEqual(defaults(desired), []);
  assert.deepEqual(desired.pod.unwantedRoutes, [], 'to delete it is for Multus');
  assert.ok(rules(desired).includes('1001: from 10.6.0.5 lookup 99'));
  assert.ok(table(desired.pod.routes, 99).includes('default via 10.6.0.1 dev eth0'));
});

test('gateways requested from Multus take precedence over the requested default route NIC', () => {
  const nics = [
    eth0,
    macvlan('net1', 7, '0.5', [4], { table: 101, netConf: { podDefaultRouteNic: 'eth0' } }),
  ];
  assert.deepEqual(defaults(plan(asking(nics, { '10.7.0.1': 'net1' }))), ['default via 10.7.0.1 dev net1']);
});
