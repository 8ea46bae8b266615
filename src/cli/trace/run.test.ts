// Which endpoint of a Service a trace may be told to take.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress } from '#ip';
import type { ClusterFacts } from './facts.ts';
import { endpointOf } from './run.ts';

const facts: ClusterFacts = {
  pods: [
    { metadata: { namespace: 'default', name: 'a' }, status: { podIPs: [{ ip: '10.6.0.5' }] } },
    { metadata: { namespace: 'default', name: 'stranger' }, status: { podIPs: [{ ip: '10.6.0.9' }] } },
  ],
  nodes: [],
  services: [
    {
      metadata: { namespace: 'default', name: 'shop' },
      spec: { type: 'NodePort', clusterIPs: ['10.96.0.5'], ports: [{ port: 80, nodePort: 30_080 }] },
    },
  ],
  slices: [
    {
      metadata: { namespace: 'default', labels: { 'kubernetes.io/service-name': 'shop' } },
      addressType: 'IPv4',
      ports: [{ port: 8080 }],
      endpoints: [
        { addresses: ['10.6.0.5'], conditions: { ready: true } },
        { addresses: ['10.6.0.6'], conditions: { ready: true } },
      ],
    },
  ],
  overlayCidrs: [],
};

const ofService = { family: 4, address: parseAddress('10.96.0.5'), port: 80 } as const;
const ofNodePort = { family: 4, address: parseAddress('192.0.2.1'), port: 30_080 } as const;

test('--endpoint takes the name or address of a pod, for a ClusterIP and for a node port', () => {
  assert.equal(formatAddress(endpointOf('a', facts, ofService)), '10.6.0.5');
  assert.equal(formatAddress(endpointOf('10.6.0.6', facts, ofService)), '10.6.0.6');
  assert.equal(formatAddress(endpointOf('10.6.0.6', facts, ofNodePort)), '10.6.0.6');
});

test('an endpoint that the Service does not have is refused with its endpoints', () => {
  for (const input of ['stranger', '1.2.3.4', 'nobody']) {
    assert.throws(() => endpointOf(input, facts, ofService), {
      code: 'INPUT_INVALID',
      message: `--endpoint "${input}": allowed are 10.6.0.5, 10.6.0.6`,
    });
  }
  const elsewhere = { family: 4, address: parseAddress('192.0.2.1'), port: 80 } as const;
  assert.throws(
    () => endpointOf('a', facts, elsewhere),
    /--endpoint "a": allowed are none, because the destination is not a Service/,
  );
});
