import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNetwork } from '#ip';
import { type CheckedRouter, routerFindings } from './router-findings.ts';

const route = (destination: string, nexthop: string) => ({ destination, nexthop });
const good: CheckedRouter = {
  id: 'r',
  routes: [route('10.99.1.0/24', '10.0.0.5'), route('172.20.0.0/16', '192.0.2.9')],
  network: {
    subnets: [{ cidr: parseNetwork('10.0.0.0/24'), gateway: '10.0.0.1' }],
    addresses: ['10.0.0.5/32', '10.0.0.6/32', '10.0.0.16/28'].map(parseNetwork),
  },
  ledger: undefined,
};
const mends = (change: Partial<CheckedRouter>) =>
  routerFindings({ ...good, ...change }).map(({ mend }) => mend);

test('a router as it should be has no findings, also with routes to other networks', () => {
  assert.deepEqual(routerFindings(good), []);
  assert.deepEqual(mends({ ledger: [route('10.99.1.0/24', '10.0.0.5')] }), []);
  // An address of an address pair, as of two nodes that take over from each other.
  assert.deepEqual(mends({ routes: [route('10.99.1.0/24', '10.0.0.20')] }), []);
});

test('a route by way of an address that no port has is named', () => {
  const routes = [route('10.99.2.0/24', '10.0.0.7'), route('10.98.0.0/16', '10.0.0.1')];
  assert.deepEqual(mends({ routes }), [
    'openstack router remove route --route destination=10.99.2.0/24,gateway=10.0.0.7 r',
  ]);
  assert.deepEqual(mends({ routes, network: { ...good.network, addresses: undefined } }), []);
});

test('of two ways to one destination, that which is not of this cluster is named', () => {
  const routes = [route('10.99.1.0/24', '10.0.0.5'), route('10.99.1.0/24', '10.0.0.6')];
  const [found, ...others] = routerFindings({ ...good, routes, ledger: routes.slice(0, 1) });
  assert.match(found?.what ?? '', /leads 10\.99\.1\.0\/24 to 10\.0\.0\.5 and 10\.0\.0\.6.*two clusters/);
  assert.match(found?.mend ?? '', /gateway=10\.0\.0\.6 r$/);
  assert.deepEqual(others, []);
});

test('a route of the ledger that the router lacks is named', () => {
  assert.deepEqual(mends({ ledger: [route('10.99.3.0/24', '10.0.0.6')] }), [
    'openstack router add route --route destination=10.99.3.0/24,gateway=10.0.0.6 r',
  ]);
});
