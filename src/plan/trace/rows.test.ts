import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatAddress } from '#ip';
import { describeRow, type SampleSettings } from './index.ts';

const usual: SampleSettings = { natOutgoing: true, defaultRouteNic: 'eth0', dropsInvalid: true };
const allRows = Array.from({ length: 30 }, (_, i) => i + 1);

function ways(row: number, settings = usual): string[] {
  return describeRow(row, settings).map(({ request, reply }) => `${request} ⇐ ${reply}`);
}

describe('the ways of the matrix by the plan', () => {
  test('every row has one in both directions and both families', () => {
    for (const row of allRows) {
      for (const family of [4, 6] as const) {
        const paths = describeRow(row, usual, { family });
        assert.ok(paths.length > 0, `row ${row}`);
        for (const { trace, title } of paths) {
          assert.equal(
            trace.request.outcome,
            'delivered',
            `row ${row} ${title} IPv${family}: ${trace.failure}`,
          );
          assert.equal(
            trace.reply?.outcome,
            'delivered',
            `row ${row} ${title} IPv${family}: ${trace.failure}`,
          );
        }
      }
    }
    assert.deepEqual(describeRow(31, usual), []);
  });

  test('everything works: with and without natOutgoing, default route on eth0 and on net1, TCP, UDP and ICMP', () => {
    for (const natOutgoing of [true, false]) {
      for (const defaultRouteNic of ['eth0', 'net1'] as const) {
        for (const [row, protocol] of allRows.flatMap((row) =>
          (['tcp', 'udp', 'icmp'] as const).map((one) => [row, one] as const),
        )) {
          const settings = { natOutgoing, defaultRouteNic, dropsInvalid: true };
          for (const { trace, title } of describeRow(row, settings, { protocol })) {
            // A Service is a port, and ICMP has none.
            const senseless = protocol === 'icmp' && row >= 20 && row <= 28;
            assert.ok(
              trace.works || senseless,
              `row ${row} ${title} ${protocol} ${JSON.stringify(settings)}: ${trace.failure}`,
            );
          }
        }
      }
    }
  });

  test('an underlay pod reaches its own node by veth0, neighbours on the LAN directly, other subnets by the router', () => {
    assert.deepEqual(ways(1), ['M1 eth0 → M3 eth0 ⇐ M3 eth0 → M1 eth0']);
    assert.match(ways(4)[0] ?? '', /^M1 veth0 → node1 \S+ ⇐ node1 \S+ → M1 veth0$/);
    assert.equal(ways(3)[0], 'M1 eth0 → router → D2 eth0 ⇐ D2 eth0 → router → M1 eth0');
  });

  test('overlay pods on the same node are reached through the node, in both directions', () => {
    assert.deepEqual(ways(7), ['M1 veth0 → node1 → C1 eth0 ⇐ C1 eth0 → node1 → M1 veth0']);
    assert.deepEqual(ways(15), ['M1 veth0 → node1 → X1 eth0 ⇐ X1 eth0 → node1 → M1 veth0']);
  });

  test('requests to net1 are answered by net1, wherever the default route is', () => {
    const back = (defaultRouteNic: 'eth0' | 'net1') => ways(14, { ...usual, defaultRouteNic });
    assert.deepEqual(back('eth0'), back('net1'));
    assert.equal(back('eth0')[1], 'D1 eth0 → router → X2 net1 ⇐ X2 net1 → router → D1 eth0');
  });

  test('a NodePort with policy Local keeps the client’s address, and the answer returns through the node', () => {
    const [local] = describeRow(26, usual);
    const [cluster] = describeRow(27, usual);
    assert.equal(local?.reply, 'M1 veth0 → node1 → router → client eth0');
    assert.deepEqual(
      [local, cluster].map((path) => path?.trace.seenSource && formatAddress(path.trace.seenSource)),
      ['192.0.2.10', '10.6.212.101'],
    );
  });

  test('the overlay’s SNAT brings the answer back to the other node (row 10)', () => {
    assert.deepEqual(ways(10), ['C1 eth0 → node1 → M2 eth0 ⇐ M2 eth0 → node1 → C1 eth0']);
    const [path] = describeRow(10, { ...usual, natOutgoing: false });
    assert.match(path?.reply ?? '', /^M2 veth0 → node2 /);
  });

  test('two underlay NICs: each answers the client’s packets to its address', () => {
    assert.deepEqual(ways(30), [
      'client eth0 → router → T1 eth0 ⇐ T1 eth0 → router → client eth0',
      'client eth0 → router → T1 net1 ⇐ T1 net1 → router → client eth0',
      'T1 net1 → T2 net1 ⇐ T2 net1 → T1 net1',
    ]);
  });
});
