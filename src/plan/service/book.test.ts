// Addresses and ports that several Services want.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceBook } from './book.ts';
import type { ClaimedEntry } from './entries.ts';
import { otherBalancers } from './other-balancer.ts';
import { frontendKey, type ServiceTable } from './tables.ts';

/** An entry for one of a few addresses, with a backend whose port tells whose it is. */
function claim(address: number, owner: number, kind: ClaimedEntry['claim'] = 'outer'): ClaimedEntry {
  const place = (value: number, port: number) =>
    ({ address: { family: 4, value: BigInt(value) }, port }) as const;
  return {
    frontend: { ...place(address, 80), protocol: 'TCP' },
    backends: { ready: [place(1, owner)], draining: [], affinitySeconds: 0 },
    claim: kind,
  };
}

const key = (address: number) => frontendKey(claim(address, 0).frontend);

/** By address: whose backends it has. */
const owners = (table: ServiceTable) =>
  Object.fromEntries([...table].map(([at, { backends }]) => [at, backends.ready[0]?.port]));

test('a Service that is gone leaves its address to another that wants it', () => {
  const book = new ServiceBook<ClaimedEntry>();
  book.put('a/second', [claim(1, 2)]);
  assert.deepEqual(owners(book.put('a/first', [claim(1, 1)]).want), { [key(1)]: 1 });
  const { keys, want } = book.put('a/first', []);
  assert.deepEqual([[...keys], owners(want)], [[key(1)], { [key(1)]: 2 }]);
  book.put('a/second', []);
  assert.deepEqual(owners(book.table), {});
});

test('no order of arrival changes who has an address', () => {
  const wishes = [
    ['b/x', [claim(1, 1), claim(2, 1)]],
    ['a/x', [claim(1, 2)]],
    ['c/x', [claim(2, 3, 'ClusterIP')]],
  ] as const;
  for (const order of [wishes, wishes.toReversed()]) {
    const book = new ServiceBook<ClaimedEntry>();
    for (const [name, claims] of order) book.put(name, claims);
    assert.deepEqual(owners(book.table), { [key(1)]: 2, [key(2)]: 3 });
  }
});

test('a NodePort comes before an externalIP of a Service whose name is first', () => {
  const book = new ServiceBook<ClaimedEntry>();
  book.put('a/x', [claim(1, 1)]);
  book.put('b/x', [claim(1, 2, 'NodePort')]);
  assert.deepEqual(owners(book.table), { [key(1)]: 2 });
});

test('a change names the addresses that the Service had and has', () => {
  const book = new ServiceBook<ClaimedEntry>();
  book.put('a/x', [claim(1, 1), claim(2, 1)]);
  const { keys, want } = book.put('a/x', [claim(2, 1), claim(3, 1)]);
  assert.deepEqual([...keys].toSorted(), [key(1), key(2), key(3)]);
  assert.deepEqual(Object.keys(owners(want)).toSorted(), [key(2), key(3)]);
});

test('balancers of other products are known by their programs, and those of anybody else are not', () => {
  const programs = ['cil_sock4_conne', 'sd_fw_ingress', 'calico_connect_', 'ow_connect4', 'my_sock4_watch'];
  assert.deepEqual(otherBalancers(programs), ['cil_sock4_conne', 'calico_connect_']);
});
