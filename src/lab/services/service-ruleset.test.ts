import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '#api';
import { overlayCidr } from '../addressing.ts';
import { serviceFronts } from './service-fronts.ts';
import { serviceRuleset } from './service-ruleset.ts';

const options = { clusterCidr: overlayCidr, dropInvalid: true };

function service(spec: Partial<Service['spec']> = {}): Service {
  return {
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      clusterIPs: ['10.96.0.10', 'fd00:10:96::a'],
      ports: [{ name: 'http', port: 80, nodePort: 30080 }],
      ...spec,
    },
  };
}

function slice(family: 4 | 6, addresses: [address: string, node: string, ready?: boolean][]): EndpointSlice {
  return {
    metadata: {
      namespace: 'default',
      name: `web-${family}`,
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType: `IPv${family}`,
    ports: [{ name: 'http', port: 8080 }],
    endpoints: addresses.map(([address, nodeName, ready]) => ({
      addresses: [address],
      nodeName,
      conditions: { ready },
    })),
  };
}

const both = [
  slice(4, [
    ['10.6.1.1', 'node1'],
    ['10.6.1.2', 'node2'],
  ]),
  slice(6, [['fd00:10:6::a1', 'node1']]),
];

/** The lines of one chain, trimmed. */
function linesOf(ruleset: string, chain: string): string[] {
  const body = ruleset.split(`chain ${chain} {\n`)[1]?.split('\n  }')[0];
  assert.ok(body !== undefined, `no chain ${chain} in ${ruleset}`);
  return body.split('\n').map((line) => line.trim());
}

function rulesOf(from: Service, slices: EndpointSlice[], nodeName = 'node1'): string {
  return serviceRuleset(serviceFronts([from], slices, nodeName), options);
}

test('a ClusterIP leads to a random endpoint of its family', () => {
  const ruleset = rulesOf(service(), both);
  assert.ok(
    linesOf(ruleset, 'services').includes(
      'ip daddr 10.96.0.10 tcp dport 80 goto cluster/default/web/80/tcp/v4',
    ),
  );
  assert.deepEqual(linesOf(ruleset, 'cluster/default/web/80/tcp/v4'), [
    'ip saddr != 10.244.0.0/16 meta mark set meta mark or 0x4000',
    'numgen random mod 2 vmap { 0 : goto endpoint/default/web/80/tcp/v4/0, 1 : goto endpoint/default/web/80/tcp/v4/1 }',
  ]);
  assert.deepEqual(linesOf(ruleset, 'endpoint/default/web/80/tcp/v6/0'), [
    'ip6 saddr fd00:10:6::a1 meta mark set meta mark or 0x4000',
    'meta l4proto tcp dnat ip6 to [fd00:10:6::a1]:8080',
  ]);
});

test('a NodePort masquerades with policy Cluster, and keeps source and node with policy Local', () => {
  const chain = 'external/default/web/80/tcp/v4';
  assert.equal(linesOf(rulesOf(service(), both), chain)[0], 'meta mark set meta mark or 0x4000');
  const local = linesOf(rulesOf(service({ externalTrafficPolicy: 'Local' }), both), chain);
  assert.equal(local.at(-1), 'goto endpoint/default/web/80/tcp/v4/0');
  assert.ok(local.includes('fib saddr type local meta mark set meta mark or 0x4000'));
  assert.ok(!local.includes('meta mark set meta mark or 0x4000'));
});

test('policy Local drops on a node without an endpoint, and refuses when no node has one', () => {
  const local = service({ externalTrafficPolicy: 'Local' });
  const away = linesOf(rulesOf(local, both, 'node3'), 'unserved');
  assert.deepEqual(away.filter((line) => line.endsWith('drop')).length, 2);
  assert.ok(linesOf(rulesOf(local, []), 'unserved').includes('ip daddr 10.96.0.10 tcp dport 80 reject'));
});

test('internalTrafficPolicy Local uses only endpoints of the node', () => {
  const lines = linesOf(
    rulesOf(service({ internalTrafficPolicy: 'Local' }), both, 'node2'),
    'cluster/default/web/80/tcp/v4',
  );
  assert.equal(lines.at(-1), 'goto endpoint/default/web/80/tcp/v4/1');
});

test('endpoints that are not ready get no traffic, and unknown readiness counts as ready', () => {
  const [front] = serviceFronts(
    [service()],
    [
      slice(4, [
        ['10.6.1.1', 'node1', false],
        ['10.6.1.2', 'node2'],
      ]),
    ],
    'node1',
  );
  assert.deepEqual(
    front?.endpoints.map(({ address }) => address),
    ['10.6.1.2'],
  );
});

test('headless Services, ExternalName Services and SCTP ports have no rules', () => {
  assert.deepEqual(serviceFronts([service({ clusterIPs: ['None'] })], both, 'node1'), []);
  assert.deepEqual(serviceFronts([service({ type: 'ExternalName' })], both, 'node1'), []);
  assert.deepEqual(serviceFronts([service({ ports: [{ port: 80, protocol: 'SCTP' }] })], both, 'node1'), []);
});

test('the INVALID drop exists unless conntrack is liberal, as in kube-proxy since 1.29', () => {
  const fronts = serviceFronts([service()], both, 'node1');
  assert.ok(
    linesOf(serviceRuleset(fronts, options), 'filter-forward').includes('ct state invalid counter drop'),
  );
  const liberal = serviceRuleset(fronts, { ...options, dropInvalid: false });
  assert.ok(!linesOf(liberal, 'filter-forward').some((line) => line.includes('invalid')));
});
