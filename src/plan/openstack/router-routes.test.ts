import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseCidr } from '#ip';
import { type RouterRoute, routeChanges, routeText, withoutRoutes } from './router-routes.ts';

const subnets = [parseCidr('10.0.0.0/24')];
const route = (text: string): RouterRoute => {
  const [destination = '', nexthop = ''] = text.split(' via ');
  return { destination, nexthop };
};
const routesOf = (...texts: string[]) => texts.map(route);
const changes = (wished: string[], owned: string[], present: string[], limit = 30) => {
  const facts = { routes: present.map(route), subnets, limit };
  const { add, remove, owned: ours, refused } = routeChanges(routesOf(...wished), routesOf(...owned), facts);
  return {
    add: add.map(routeText),
    remove: remove.map(routeText),
    owned: ours.map(routeText),
    refused: refused.map(({ route: one, reason }) => `${routeText(one)} ${reason}`),
  };
};
const A = '10.1.0.0/24 via 10.0.0.5';
const B = '10.2.0.0/24 via 10.0.0.6';

describe('routes of a router', () => {
  test('that are missing are added, and those of ours that nobody wishes are removed', () => {
    assert.deepEqual(changes([A], [B], [B]), { add: [A], remove: [B], owned: [B, A], refused: [] });
    assert.deepEqual(changes([A], [A], [A]), { add: [], remove: [], owned: [A], refused: [] });
  });

  test('of an operator stay, also where they lead where a pool wishes', () => {
    assert.deepEqual(changes([], [], [A]), { add: [], remove: [], owned: [], refused: [] });
    assert.deepEqual(changes([A], [], [A]), { add: [], remove: [], owned: [], refused: [] });
    // The wish ends: the operator's route is still the operator's.
    assert.deepEqual(changes([], [], [A]).remove, []);
  });

  test('that lead to another node now are removed before the new one is added', () => {
    const moved = '10.1.0.0/24 via 10.0.0.6';
    assert.deepEqual(changes([moved], [A], [A]), {
      add: [moved],
      remove: [A],
      owned: [A, moved],
      refused: [],
    });
    // Both are there: an earlier program died between the two calls.
    assert.deepEqual(changes([moved], [A, moved], [A, moved]).remove, [A]);
  });

  test('of ours that somebody removed are added again', () => {
    assert.deepEqual(changes([A], [A], []), { add: [A], remove: [], owned: [A], refused: [] });
  });

  test('beside a route of another to the same destination are refused', () => {
    for (const other of ['10.1.0.0/24 via 10.0.0.9', '10.1.0.77/24 via 10.0.0.9'])
      assert.deepEqual(changes([A], [], [other]).refused, [
        `${A} is there already by way of 10.0.0.9, and not ours`,
      ]);
    const bare = changes(['10.1.0.7/32 via 10.0.0.5'], [], ['10.1.0.7 via 10.0.0.9']);
    assert.equal(bare.refused.length, 1);
    assert.deepEqual(changes([A], [], ['nonsense via 10.0.0.9']).add, [A]);
  });

  test('that would hide a subnet of the router, or lead a node to itself, are refused', () => {
    for (const wide of ['10.0.0.0/24', '10.0.0.0/16', '0.0.0.0/0']) {
      const { add, refused } = changes([`${wide} via 10.0.0.5`], [], []);
      assert.deepEqual(add, [], wide);
      assert.equal(refused.length, 1);
    }
    assert.match(changes(['10.0.0.0/29 via 10.0.0.5'], [], []).refused[0] ?? '', /of the node itself/);
    // One address of the subnet is narrower than the subnet: this is how the seed of this mode reaches its pods.
    assert.deepEqual(changes(['10.0.0.19/32 via 10.0.0.5'], [], []).refused, []);
  });

  test('that do not fit are refused, and the others are added', () => {
    const { add, refused } = changes([A, B], [], ['10.9.0.0/16 via 10.0.0.9'], 2);
    assert.deepEqual(add, [A]);
    assert.deepEqual(refused, [`${B} does not fit: the router may have 2 routes, and 1 are there`]);
    // What is removed makes room.
    assert.deepEqual(changes([A], [B], [B], 1).add, [A]);
    assert.deepEqual(changes([A], [], [B, '10.9.0.0/16 via 10.0.0.9'], 1).add, []);
  });

  test('reach what is wished and leave what is of others, whenever a program dies, in any order', () => {
    const one = fc.record({
      destination: fc.constantFrom('10.1.0.0/24', '10.2.0.0/24', '10.3.0.0/24', '10.4.0.1/32'),
      nexthop: fc.constantFrom('10.0.0.5', '10.0.0.6', '10.0.0.7'),
    });
    const some = fc.uniqueArray(one, { selector: routeText, maxLength: 8 });
    const wishes = fc.array(fc.uniqueArray(one, { selector: ({ destination }) => destination }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        some,
        wishes,
        fc.array(fc.constantFrom(0, 1, 2, 3), { maxLength: 5 }),
        (others, rounds, deaths) => {
          let routes: readonly RouterRoute[] = others;
          let ledger: readonly RouterRoute[] = [];
          const step = (wished: readonly RouterRoute[], death: number) => {
            const { add, remove, owned } = routeChanges(wished, ledger, { routes, subnets, limit: 100 });
            if (death === 1) return;
            ledger = owned;
            if (death === 2) return;
            routes = withoutRoutes(routes, remove);
            if (death === 3) return;
            routes = [...routes, ...add];
            ledger = withoutRoutes(owned, remove);
          };
          for (const [round, wished] of rounds.entries()) step(wished, deaths[round] ?? 0);
          const last = rounds.at(-1) ?? [];
          step(last, 0);
          const texts = routes.map(routeText);
          for (const other of others)
            assert.ok(texts.includes(routeText(other)), 'a route of another is gone');
          const foreign = new Set(others.map(({ destination }) => destination));
          for (const wished of last)
            assert.ok(
              texts.includes(routeText(wished)) || foreign.has(wished.destination),
              'a wish is missing',
            );
          const ours = routes.filter(
            (present) => !others.some((other) => routeText(other) === routeText(present)),
          );
          for (const present of ours)
            assert.ok(
              last.some((wished) => routeText(wished) === routeText(present)),
              'a route of ours is left',
            );
          step([], 0);
          assert.deepEqual(routes.map(routeText).sort(), others.map(routeText).sort());
          assert.deepEqual(ledger, []);
        },
      ),
    );
  });
});
