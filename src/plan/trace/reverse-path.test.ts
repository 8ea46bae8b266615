import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultDestination, parseAddress, parseCidr } from '#ip';
import type { Rule } from '#net';
import { interfaceAddress, type NamespaceView, routeBy, sourceRefusal, viewOf } from './index.ts';

/** A loose filter on net1; what has a way back at all has it by table 98, for TCP from any port. */
function view(rule: Partial<Rule>): NamespaceView {
  const last = { ...routeBy(defaultDestination(4), 'veth0'), table: 98 };
  const tcp = { family: 4, priority: 32_768, table: 98, protocol: 79, ipProtocol: 6 } as const;
  return viewOf({
    links: ['net1', 'veth0'].map((name) => ({ name, mac: '0a:00:00:00:00:01' })),
    addresses: [interfaceAddress('net1', parseCidr('10.7.0.5/16'))],
    routes: [last],
    rules: [{ ...tcp, sourcePorts: { first: 1, last: 65_534 }, ...rule }],
    sysctls: new Map([['ipv4/conf/net1/rp_filter', '2']]),
  });
}

const arrival = {
  ...{ source: parseAddress('192.0.2.10'), destination: parseAddress('10.7.0.5'), dev: 'net1', mark: 0 },
  ...{ ipProtocol: 6, destinationPort: 8080 },
};

test('a rule for own packets by protocol gives no way back, because the kernel ignores the protocol for them', () => {
  assert.equal(
    sourceRefusal(view({ inputDev: 'lo' }), arrival),
    'rp_filter 2 on net1: there is no route back',
  );
});

test('a rule for all packets by protocol gives a way back for its protocol', () => {
  assert.equal(sourceRefusal(view({}), arrival), undefined);
  assert.equal(
    sourceRefusal(view({}), { ...arrival, ipProtocol: 17 }),
    'rp_filter 2 on net1: there is no route back',
  );
});
