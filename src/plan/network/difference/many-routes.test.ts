// A pod may ask for a thousand networks: the agent has one thread, and what is planned for one pod holds up all others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from '#net';
import { macvlan, plan } from '../pod/golden-fixture.ts';
import { nothingObserved } from '../state/observed.ts';
import { difference } from './difference.ts';

const networks = (count: number) => Array.from({ length: count }, (_, i) => `11.${i >> 8}.${i & 255}.0/24`);

/** How often a route that is there is looked at while it is compared with the plan. */
function looksAtEach(count: number): number {
  const netConf = { hijackCIDR: networks(count) };
  const { pod } = plan([
    macvlan('eth0', 6, '168.172', [4], { netConf }),
    macvlan('net1', 7, '168.173', [4], { netConf, table: 101 }),
  ]);
  let looks = 0;
  const routes = pod.routes.map(
    (route): Route => ({
      ...route,
      get destination() {
        looks += 1;
        return route.destination;
      },
    }),
  );
  assert.ok(routes.length > 2 * count);
  const found = difference(pod, { ...nothingObserved, routes });
  assert.deepEqual(
    found.filter(({ problem }) => problem.startsWith('route')),
    [],
  );
  return looks / routes.length;
}

test('the cost of comparing a route does not grow with the number of routes', () => {
  const few = looksAtEach(10);
  const many = looksAtEach(1000);
  assert.ok(many <= few * 2, `${few} looks at each of some routes, ${many} at each of many`);
});
