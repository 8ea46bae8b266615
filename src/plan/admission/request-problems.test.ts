import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { type RequestKnowledge, requestProblems } from './request-problems.ts';

const pool = (name: string, ips: string[], more: object = {}) =>
  resources.spiderIPPools.schema.parse({ metadata: { name }, spec: { subnet: '10.6.0.0/16', ips, ...more } });
const pools = [
  pool('a', ['10.6.0.1-10.6.0.9'], { excludeIPs: ['10.6.0.5'], nodeName: ['n1'], disable: true }),
  pool('b', ['10.6.1.1-10.6.1.9']),
];

function problems(
  ips: unknown,
  annotations: Record<string, string> = {},
  more: Partial<RequestKnowledge> = {},
): string[] {
  const text = typeof ips === 'string' ? ips : JSON.stringify(ips);
  const metadata = { name: 'p', annotations: { 'ipam.orbweaver.io/ips': text, ...annotations } };
  return requestProblems({ metadata }, { namespaceAnnotations: {}, pools, families: [4, 6], ...more });
}

const ippool = (name: string) => ({ 'ipam.spidernet.io/ippool': `{"ipv4":["${name}"]}` });

test('a request that some pool may serve has no problem: the node is not known yet, and pools change', () => {
  assert.deepEqual(problems({ eth0: '10.6.0.1', net1: ['10.6.1.1/16'] }), []);
  assert.deepEqual(problems({ eth0: '10.6.1.1' }, ippool('b')), []);
  assert.deepEqual(requestProblems({ metadata: {} }, { namespaceAnnotations: {}, pools, families: [4] }), []);
});

test('each address that no pool can give is named with the reason', () => {
  const [other, excluded, ...more] = problems({ eth0: '192.0.2.1', net1: '10.6.0.5', net2: '10.6.1.1' });
  assert.match(
    other ?? '',
    /^annotation ipam\.orbweaver\.io\/ips of eth0 requests 192\.0\.2\.1 for interface eth0: /,
  );
  assert.match(excluded ?? '', /spec\.excludeIPs of IPPool a excludes it/);
  assert.deepEqual(more, []);
});

test('the pools that pod or namespace name count', () => {
  assert.match(problems({ eth0: '10.6.0.1' }, ippool('b')).join(), /IPPool a has it, but is not among them$/);
  const namespaceAnnotations = { 'ipam.spidernet.io/default-ipv4-ippool': '["b"]' };
  assert.match(
    problems({ eth0: '10.6.0.1' }, {}, { namespaceAnnotations }).join(),
    /pools \[b\] of Namespace annotation; IPPool a has it/,
  );
});

test('a family that is disabled or has no pool is named', () => {
  assert.match(problems({ eth0: 'fd00::1' }, {}, { families: [4] }).join(), /the cluster has IPv6 disabled$/);
  assert.match(problems({ eth0: 'fd00::1' }, ippool('b')).join(), /has no IPv6 pool for this interface$/);
});

test('two addresses of one family are refused, also for a pod with automatic pools, and nothing else is for that pod', () => {
  const subnet = { 'ipam.spidernet.io/subnet': '{"ipv4":["s"]}' };
  assert.deepEqual(problems({ eth0: '192.0.2.1' }, subnet), []);
  assert.match(problems({ eth0: ['10.6.0.1', '10.6.0.2'] }, subnet).join(), /are both IPv4$/);
});

test('other wrong annotations are left to their own checks', () => {
  assert.deepEqual(problems('{'), []);
  assert.deepEqual(problems({ eth0: '10.6.0.1' }, { 'ipam.spidernet.io/ippool': '{' }), []);
});
