import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddress, parseCidr } from '#ip';
import { MAIN_TABLE, type Route, type Rule } from '#net';
import { lookUp } from './index.ts';

const rule = (priority: number, table: number, more: Partial<Rule> = {}): Rule => ({
  ...{ family: 4, priority, table, protocol: 0 },
  ...more,
});
const route = (destination: string, dev: string, more: Partial<Route> = {}): Route => ({
  ...{
    destination: parseCidr(destination),
    table: MAIN_TABLE,
    type: 'unicast',
    scope: 'link',
    protocol: 3,
    dev,
  },
  ...more,
});
const main = rule(32_766, MAIN_TABLE);
const destination = parseAddress('10.6.0.5');

/** Its outcome, and by which link it goes. */
function way(rules: readonly Rule[], routes: readonly Route[], more = {}): string {
  const decision = lookUp({ rules, routes }, { destination, mark: 0, ...more });
  return decision.outcome === 'found' ? decision.hops.map(({ dev }) => dev).join('+') : decision.outcome;
}

describe('the choice of a route', () => {
  test('takes rules by priority, then the longest prefix, then the lowest metric', () => {
    const routes = [
      route('0.0.0.0/0', 'far'),
      route('10.6.0.0/16', 'dear', { metric: 20 }),
      route('10.6.0.0/16', 'near', { metric: 10 }),
      route('0.0.0.0/0', 'first', { table: 100 }),
    ];
    assert.equal(way([main], routes), 'near');
    assert.equal(way([main, rule(1000, 100)], routes), 'first');
  });

  test('continues with the next rule when a table has no route or throws, and ends when a route refuses', () => {
    const routes = [route('0.0.0.0/0', 'main')];
    const before = rule(1000, 100);
    const inTable = (type: Route['type']) => [...routes, route('10.6.0.0/16', 'x', { table: 100, type })];
    assert.equal(way([before, main], routes), 'main');
    assert.equal(way([before, main], inTable('throw')), 'main');
    for (const type of ['unreachable', 'blackhole', 'prohibit'] as const) {
      assert.equal(way([before, main], inTable(type)), 'refused');
    }
    assert.equal(way([], routes), 'no route');
  });

  test('follows mark, source, input link, "not" and suppressed prefixes', () => {
    const routes = [route('0.0.0.0/0', 'main'), route('0.0.0.0/0', 'other', { table: 100 })];
    const by = (more: Partial<Rule>, flow = {}) => way([rule(1000, 100, more), main], routes, flow);
    assert.equal(by({ mark: { value: 1, mask: 0xff } }, { mark: 0x101 }), 'other');
    assert.equal(by({ mark: { value: 1, mask: 0xff } }, { mark: 2 }), 'main');
    assert.equal(by({ from: parseCidr('10.6.0.9/32') }, { source: parseAddress('10.6.0.9') }), 'other');
    assert.equal(by({ from: parseCidr('10.6.0.9/32') }), 'main');
    assert.equal(by({ inputDev: 'veth0' }, { inputDev: 'veth0' }), 'other');
    assert.equal(by({ inputDev: 'lo' }), 'other');
    assert.equal(by({ mark: { value: 1, mask: 1 }, inverted: true }), 'other');
    assert.equal(by({ suppressPrefixLength: 0 }), 'main');
  });

  test('prefers, among equal IPv6 routes, the link that the packet came in by', () => {
    const routes = ['eth0', 'net1'].map((dev) => route('fd00::/64', dev, { metric: 256 }));
    const flow = { destination: parseAddress('fd00::5') };
    const six = rule(32_766, MAIN_TABLE, { family: 6 });
    assert.equal(way([six], routes, flow), 'eth0');
    assert.equal(way([six], routes, { ...flow, inputDev: 'net1' }), 'net1');
  });

  test('names the alternatives of several equal IPv4 default routes, and none for a single one', () => {
    const gateway = parseAddress('10.6.0.1');
    const routes = [
      route('0.0.0.0/0', 'eth0', { gateway }),
      route('0.0.0.0/0', 'net1', { gateway }),
      route('0.0.0.0/0', 'dear', { gateway, metric: 10 }),
      route('0.0.0.0/0', 'elsewhere', { gateway, table: 100 }),
    ];
    const rivals = (of: readonly Route[]) => {
      const decision = lookUp({ rules: [main], routes: of }, { destination, mark: 0 });
      return decision.outcome === 'found' ? decision.rivals.map(({ dev }) => dev) : [];
    };
    assert.deepEqual(rivals(routes), ['net1']);
    assert.deepEqual(rivals(routes.slice(1)), []);
  });

  test('uses protocol and source port if a rule names them', () => {
    const routes = [route('0.0.0.0/0', 'last', { table: 98 })];
    const ofTcp = rule(32_768, 98, { ipProtocol: 6, sourcePorts: { first: 1, last: 65_534 } });
    const served = rule(32_768, 98, { sourcePorts: { first: 1, last: 32_767 } });
    const icmp = rule(32_768, 98, { ipProtocol: 1 });
    assert.equal(way([ofTcp], routes, { ipProtocol: 6, sourcePort: 50_051 }), 'last');
    assert.equal(way([ofTcp], routes, { ipProtocol: 6 }), 'no route', 'a socket without a port yet');
    assert.equal(way([ofTcp], routes, { ipProtocol: 17, sourcePort: 53 }), 'no route');
    assert.equal(way([served], routes, { ipProtocol: 17, sourcePort: 53 }), 'last');
    assert.equal(way([served], routes, { ipProtocol: 17, sourcePort: 40_000 }), 'no route');
    assert.equal(way([icmp], routes, { ipProtocol: 1 }), 'last');
    assert.equal(way([icmp], routes), 'no route', 'a packet of which nothing is known');
  });

  test('names the rules that it cannot evaluate, and assumes that they do not match', () => {
    const unknown = rule(10, 100, { unread: ['uidrange'] });
    const decision = lookUp(
      {
        rules: [unknown, main],
        routes: [route('0.0.0.0/0', 'main'), route('0.0.0.0/0', 'other', { table: 100 })],
      },
      { destination, mark: 0 },
    );
    assert.deepEqual([decision.outcome, decision.unjudged], ['found', [unknown]]);
    assert.equal(decision.outcome === 'found' && decision.rule, main);
  });
});
