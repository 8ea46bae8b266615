import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '#ip';
import { ROUTE_PROTOCOL } from '#net';
import { routeText } from '../state/text.ts';
import { macvlan, madeBy } from './golden-fixture.ts';
import { nicRoutes } from './nic-routes.ts';

const net1 = macvlan('net1', 7, '0.5', [4, 6]);
const texts = (...args: Parameters<typeof nicRoutes>) => nicRoutes(...args).map(routeText);

test('a NIC’s routes are those of main by it, without ours and without link-local networks', () => {
  const dump = [
    ...net1.routes,
    madeBy('eth0', '0.0.0.0/0', '10.6.0.1'),
    madeBy('net1', 'fe80::/64'),
    madeBy('net1', '10.9.0.0/16', '10.7.0.9', { protocol: ROUTE_PROTOCOL }),
    madeBy('net1', '10.9.0.0/16', '10.7.0.9', { table: 101 }),
  ];
  assert.deepEqual(texts(net1, dump), net1.routes.map(routeText));
});

test('IPv6 default routes that the kernel joined are split, one for each NIC', () => {
  const { dev: _, gateway: _gateway, ...joined } = madeBy('net1', '::/0', 'fd00:10:7::1');
  const nextHops = [
    { dev: 'eth0', gateway: parseAddress('fd00:10:6::1'), weight: 1 },
    { dev: 'net1', gateway: parseAddress('fd00:10:7::1'), weight: 1 },
  ];
  assert.deepEqual(texts(net1, [{ ...joined, nextHops }]), ['default via fd00:10:7::1 dev net1 metric 1024']);
});

test('a moved default route is remembered as long as the NIC has the same addresses', () => {
  const withoutDefaults = net1.routes.filter(({ destination }) => destination.prefixLength > 0);
  const all = texts(net1, withoutDefaults, net1);
  assert.deepEqual(all.toSorted(), net1.routes.map(routeText).toSorted());
  const other = macvlan('net1', 7, '0.6', [4, 6]);
  assert.deepEqual(texts(other, withoutDefaults, net1), withoutDefaults.map(routeText));
});

test('the routes in main take precedence over remembered ones', () => {
  const changed = madeBy('net1', '0.0.0.0/0', '10.7.0.254');
  assert.deepEqual(texts(net1, [changed], net1)[0], 'default via 10.7.0.254 dev net1');
  assert.equal(texts(net1, [changed], net1).filter((text) => text.startsWith('default via 10.')).length, 1);
});
