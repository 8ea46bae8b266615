import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Node, resources, type SpiderEndpoint, type SpiderIPPool } from '#api';
import { parseCidr } from '#ip';
import { routeText } from './router-routes.ts';
import { ROUTER_ANNOTATION, routerOf, wishedRoutes } from './wished-routes.ts';

const subnets = [parseCidr('10.0.0.0/24'), parseCidr('fd00::/64')];

function pool(name: string, spec: object, router = 'r1'): SpiderIPPool {
  const metadata = { name, annotations: { [ROUTER_ANNOTATION]: router } };
  return resources.spiderIPPools.schema.parse({ metadata, spec });
}

function node(name: string, ...addresses: string[]): Node {
  const status = { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) };
  return resources.nodes.schema.parse({ metadata: { name }, status });
}

function endpoint(name: string, on: string, ipv4: string, ipv6?: string): SpiderEndpoint {
  const current = { uid: name, node: on, ips: [{ interface: 'eth0', ipv4, ipv6 }] };
  const status = { current, ownerControllerType: 'Pod', ownerControllerName: name };
  return resources.spiderEndpoints.schema.parse({ metadata: { name, namespace: 'default' }, status });
}

const nodes = [
  node('n1', '192.168.1.5', '10.0.0.5', 'fd00::5'),
  node('n2', '10.0.0.6'),
  node('away', '172.16.0.1'),
];

function wished(pools: SpiderIPPool[], endpoints: SpiderEndpoint[] = []) {
  const { routes, unreachable } = wishedRoutes('r1', { pools, endpoints, nodes }, subnets);
  return { routes: routes.map(routeText), unreachable };
}

describe('the routes that pools ask of a router', () => {
  test('of one node are the networks of the pool, whether they are used or not', () => {
    const one = pool('a', { subnet: '10.99.0.0/16', ips: ['10.99.1.0-10.99.1.255'], nodeName: ['n1'] });
    assert.deepEqual(wished([one]).routes, ['10.99.1.0/24 via 10.0.0.5']);
    const six = pool('b', { subnet: 'fd99::/64', ips: ['fd99::100-fd99::1ff'], nodeName: ['n1'] });
    assert.deepEqual(wished([six]).routes, ['fd99::100/120 via fd00::5']);
  });

  test('of several nodes are the used addresses, each by way of its pod', () => {
    const shared = pool('a', { subnet: '10.99.0.0/16', ips: ['10.99.1.0-10.99.1.255'] });
    const endpoints = [
      endpoint('x', 'n1', '10.99.1.7/16'),
      endpoint('y', 'n2', '10.99.1.8/16'),
      endpoint('of another pool', 'n2', '10.98.1.8/16'),
      endpoint('of a node that is gone', 'n3', '10.99.1.9/16'),
      endpoint('written by somebody', 'n1', 'nonsense'),
    ];
    assert.deepEqual(wished([shared], endpoints).routes, [
      '10.99.1.7/32 via 10.0.0.5',
      '10.99.1.8/32 via 10.0.0.6',
    ]);
  });

  test('of pools of one node come first', () => {
    const shared = pool('a', { subnet: '10.99.0.0/16', ips: ['10.99.1.0-10.99.1.255'] });
    const whole = pool('b', { subnet: '10.98.0.0/16', ips: ['10.98.1.0-10.98.1.255'], nodeName: ['n2'] });
    assert.deepEqual(wished([shared, whole], [endpoint('x', 'n1', '10.99.1.7/16')]).routes, [
      '10.98.1.0/24 via 10.0.0.6',
      '10.99.1.7/32 via 10.0.0.5',
    ]);
  });

  test('are one for each destination, also if two endpoints have one address', () => {
    const shared = pool('a', { subnet: '10.99.0.0/16', ips: ['10.99.1.0-10.99.1.255'] });
    const twice = [endpoint('x', 'n1', '10.99.1.7/16'), endpoint('y', 'n2', '10.99.1.7/16')];
    assert.equal(wished([shared], twice).routes.length, 1);
  });

  test('name the nodes that the router cannot reach', () => {
    const spec = { subnet: '10.99.0.0/16', ips: ['10.99.1.0-10.99.1.255'], nodeName: ['away'] };
    assert.deepEqual(wished([pool('a', spec)]), { routes: [], unreachable: [{ pool: 'a', node: 'away' }] });
  });

  test('are none of pools of another router, and of a text that is no id', () => {
    const spec = { subnet: '10.99.0.0/16', ips: ['10.99.1.0-10.99.1.255'], nodeName: ['n1'] };
    assert.deepEqual(wished([pool('a', spec, 'r2')]).routes, []);
    assert.equal(routerOf(pool('a', spec, '../r1')), undefined);
    assert.equal(routerOf(pool('a', spec, ' ledger')), undefined);
    assert.equal(routerOf(pool('a', spec, 'r'.repeat(65))), undefined);
  });
});
