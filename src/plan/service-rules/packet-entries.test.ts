import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '#api';
import { formatCidr, parseAddress } from '#ip';
import { placeText } from '../service/index.ts';
import { healthCheck } from './health-checks.ts';
import { packetEntries } from './packet-entries.ts';

const here = {
  name: 'node1',
  zone: undefined,
  addresses: ['172.30.0.11', 'fd00::11'].map(parseAddress),
  usesExternalIps: true,
};

function service(spec: Service['spec'], ingress: readonly string[] = []): Service {
  return {
    metadata: { namespace: 'shop', name: 'web' },
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 80, nodePort: 30080 }], ...spec },
    status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
  };
}

function slice(endpoints: EndpointSlice['endpoints']): EndpointSlice {
  return { metadata: { name: 'web' }, addressType: 'IPv4', ports: [{ port: 8080 }], endpoints };
}

const two = slice([
  { addresses: ['10.244.0.1'], nodeName: 'node1' },
  { addresses: ['10.244.1.1'], nodeName: 'node2' },
]);

/** Address of the front: backends, those for outside, and who may come. */
function summary(spec: Service['spec'], slices = [two], ingress: readonly string[] = []) {
  const { entries, leftOut } = packetEntries(service(spec, ingress), slices, here);
  const rows = entries.map(({ frontend, backends, outside, sources }) => [
    placeText(frontend),
    backends.ready.map(placeText).join(),
    outside?.map(placeText).join() ?? 'as inside',
    sources?.map(formatCidr).join() ?? 'all',
  ]);
  return { rows, leftOut };
}

const both = '10.244.0.1:8080,10.244.1.1:8080';

test('a Service is served at its ClusterIP, and at NodePorts at the addresses of the node of its families', () => {
  assert.deepEqual(summary({}).rows, [
    ['10.96.0.1:80', both, 'as inside', 'all'],
    ['172.30.0.11:30080', both, 'as inside', 'all'],
  ]);
});

test('externalTrafficPolicy Local: inside all endpoints serve, outside those of the node', () => {
  const { rows } = summary({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' }, [two], ['203.0.113.1']);
  assert.deepEqual(rows, [
    ['10.96.0.1:80', both, 'as inside', 'all'],
    ['172.30.0.11:30080', both, '10.244.0.1:8080', 'all'],
    ['203.0.113.1:80', both, '10.244.0.1:8080', 'all'],
  ]);
});

test('internalTrafficPolicy Local concerns the ClusterIP alone', () => {
  assert.deepEqual(
    summary({ internalTrafficPolicy: 'Local' }).rows.map(([, ready]) => ready),
    ['10.244.0.1:8080', both],
  );
});

test('source ranges concern the load balancer alone, and an unreadable one lets nobody in', () => {
  const spec = {
    type: 'LoadBalancer',
    loadBalancerSourceRanges: ['192.0.2.7/24', 'fd00::/8', '10/8'],
  } as const;
  const { rows, leftOut } = summary(
    { ...spec, loadBalancerSourceRanges: [...spec.loadBalancerSourceRanges], externalIPs: ['198.51.100.1'] },
    [two],
    ['203.0.113.1'],
  );
  assert.deepEqual(
    rows.map(([address, , , who]) => [address, who]),
    [
      ['10.96.0.1:80', 'all'],
      ['172.30.0.11:30080', 'all'],
      ['203.0.113.1:80', '192.0.2.0/24'],
      ['198.51.100.1:80', 'all'],
    ],
  );
  assert.deepEqual(leftOut, ['spec.loadBalancerSourceRanges has "10/8", which is no network']);
});

test('an endpoint that ends serves only while none is ready, also outside', () => {
  const ending = { ready: false, serving: true, terminating: true };
  const slices = [
    slice([
      { addresses: ['10.244.0.1'], nodeName: 'node1', conditions: ending },
      { addresses: ['10.244.1.1'], nodeName: 'node2' },
    ]),
  ];
  const { rows } = summary({ type: 'NodePort', externalTrafficPolicy: 'Local' }, slices);
  assert.deepEqual(rows[1], ['172.30.0.11:30080', '10.244.1.1:8080', '10.244.0.1:8080', 'all']);
});

test('a health check counts ready endpoints of this node, and belongs to LoadBalancer with Local alone', () => {
  const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30999 } as const;
  const asked = { namespace: 'shop', name: 'web', port: 30999, localEndpoints: 1 };
  assert.deepEqual(healthCheck(service(local), [two], here), asked);
  const ending = slice([
    {
      addresses: ['10.244.0.1'],
      nodeName: 'node1',
      conditions: { ready: false, serving: true, terminating: true },
    },
  ]);
  assert.deepEqual(healthCheck(service(local), [ending], here), { ...asked, localEndpoints: 0 });
  assert.equal(healthCheck(service({ ...local, externalTrafficPolicy: 'Cluster' }), [two], here), undefined);
  assert.equal(healthCheck(service({ ...local, type: 'NodePort' }), [two], here), undefined);
});
