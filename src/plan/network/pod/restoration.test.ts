import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, formatCidr, parseCidr } from '#ip';
import type { InterfaceAddress, Link } from '#net';
import { routeText } from '../state/text.ts';
import { macvlan, madeBy, plan } from './golden-fixture.ts';
import { type AttachedNic, missingNics, restoring, withoutNics } from './restoration.ts';

const nic = macvlan('eth0', 6, '212.241', [4, 6]);
const link = (name: string, index: number): Link => ({
  name,
  index,
  mtuBytes: 1500,
  up: true,
  carrier: true,
  loopback: false,
});
const address = (dev: string, text: string): InterfaceAddress => ({
  dev,
  address: parseCidr(text),
  scope: 'global',
});
const all = nic.addresses.map((cidr) => address('eth0', formatCidr(cidr)));

test('addresses of NICs are restored with their connected routes, without duplicate address detection', () => {
  const { pod } = restoring(plan([nic]), [nic]);
  const made = pod.addresses.filter(({ dev }) => dev === 'eth0');
  assert.deepEqual(
    made.map((one) => [formatCidr(one.address), one.noDad, one.noPrefixRoute]),
    nic.addresses.map((cidr) => [formatCidr(cidr), true, undefined]),
  );
  assert.deepEqual(pod.expectedAddresses, []);
});

test('an address without a connected route is restored without one', () => {
  const bare = { ...nic, routes: [] };
  const { pod } = restoring(plan([bare]), [bare]);
  assert.ok(pod.addresses.filter(({ dev }) => dev === 'eth0').every((one) => one.noPrefixRoute === true));
});

test('routes of the plugin are restored, and routes of the kernel and of advertisements are not', () => {
  const own = madeBy('eth0', '172.30.0.0/16', '10.6.0.1');
  const advertised = madeBy('eth0', 'fd00:99::/64', 'fd00:10:6::1', { protocol: 9 });
  const [, , , v6Default] = nic.routes;
  assert.ok(v6Default);
  const routes = [...nic.routes.slice(0, 3), { ...v6Default, protocol: 9 }, own, advertised];
  const attached = { ...nic, routes };
  const texts = restoring(plan([attached]), [attached]).pod.routes.map(routeText);
  assert.ok(texts.includes(routeText(own)));
  assert.ok(texts.includes('default via 10.6.0.1 dev eth0'));
  assert.ok(!texts.includes(routeText(advertised)));
  assert.ok(!texts.some((text) => text.startsWith('default via fd00:10:6::1 dev eth0')), texts.join('\n'));
  assert.ok(!texts.some((text) => text.includes('proto kernel')));
});

test('a default route that moved to its NIC’s table is not restored in main', () => {
  const net1 = macvlan('net1', 7, '168.173', [4], { table: 101 });
  const { pod } = restoring(plan([nic, net1]), [nic, net1]);
  const defaults = pod.routes.filter((route) => routeText(route) === 'default via 10.7.0.1 dev net1');
  assert.deepEqual(defaults, []);
});

test('a NIC is lost when its link is missing or another one, or when its address is on another link', () => {
  const attached: AttachedNic = { ...nic, index: 2 };
  const problems = (links: Link[], addresses: InterfaceAddress[]) =>
    missingNics([attached], links, addresses).map(({ problem }) => problem);
  assert.deepEqual(problems([link('eth0', 2)], all), []);
  assert.deepEqual(problems([link('eth0', 2)], []), [], 'an address that is nowhere can be made again');
  assert.deepEqual(problems([link('lo', 1)], []), ['interface eth0 is missing']);
  assert.match(problems([link('eth0', 9)], all).join(), /its index is 9, not 2/);
  const onBridge = all.map((one) => ({ ...one, dev: 'br0' }));
  assert.match(problems([link('eth0', 2)], onBridge).join(), /10\.6\.212\.241 .* is on br0/);
  const twice = [...all, address('lo', '10.6.212.241/32')];
  assert.deepEqual(problems([link('eth0', 2)], twice), [], 'a copy on lo takes nothing away');
});

test('a lost NIC has no desired objects, no object needs its address, and no object of ours is stale', () => {
  const net1 = macvlan('net1', 7, '168.173', [4], { table: 101 });
  const desired = restoring(plan([nic, net1]), [nic, net1]);
  const { pod } = withoutNics(desired, [{ nic, problem: 'interface eth0 is missing' }]);
  const words = pod.routes.map(routeText);
  assert.ok(!words.some((text) => / dev eth0|src 10\.6\.212\.241/.test(text)), words.join('\n'));
  assert.ok(words.includes('default via 10.7.0.1 dev net1 proto 79'));
  assert.ok(!pod.links.some(({ name }) => name === 'eth0'));
  assert.ok(!pod.sysctls.some(({ key }) => key.includes('/eth0/')));
  assert.ok(pod.neighbours.length > 0, pod.neighbours.map((one) => formatAddress(one.address)).join());
  assert.equal(pod.complete, false);
});
