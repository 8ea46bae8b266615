// What an agent keeps of Services and EndpointSlices means the same as the whole.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { serviceEntries } from '#plan/service';
import { slimEndpointSlices, slimServices } from './slim-kinds.ts';

const metadata = {
  ...{ namespace: 'shop', name: 'web', uid: 'u', resourceVersion: '7' },
  annotations: { 'example.com/note': 'x' },
  labels: { team: 'a', 'kubernetes.io/service-name': 'web' },
};
const service = {
  metadata,
  spec: {
    ...{ type: 'LoadBalancer', selector: { app: 'web' }, clusterIP: '10.96.0.1' },
    ports: [{ name: 'http', port: 80, targetPort: 'web', nodePort: 30080 }],
    ...{ externalIPs: ['192.0.2.7'], sessionAffinity: 'ClientIP', internalTrafficPolicy: 'Local' },
  },
  status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
};
const conditions = { ready: false, serving: true, terminating: true };
const slice = {
  metadata,
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [
    { addresses: ['10.1.0.1', '10.1.0.2'], conditions: { ready: true, serving: true, terminating: false } },
    { addresses: ['10.1.0.3'], conditions, nodeName: 'node1', targetRef: { kind: 'Pod', name: 'web-1' } },
    { addresses: ['10.1.0.4'], hints: { forZones: [{ name: 'west' }] } },
  ],
};

test('a reduced Service has the entries of the whole one', () => {
  const client = { name: 'node1', zone: 'west', addresses: [], usesExternalIps: true };
  const whole = serviceEntries(
    resources.services.schema.parse(service),
    [resources.endpointSlices.schema.parse(slice)],
    client,
  );
  assert.equal(whole.entries.length, 3);
  assert.deepEqual(
    serviceEntries(slimServices.schema.parse(service), [slimEndpointSlices.schema.parse(slice)], client),
    whole,
  );
});

test('what decides nothing is not kept, and who serves and owns it is', () => {
  const other = { ...metadata.labels, 'service.kubernetes.io/service-proxy-name': 'mesh' };
  const kept = slimServices.schema.parse({ ...service, metadata: { ...metadata, labels: other } });
  const { team: _, ...labels } = other;
  assert.deepEqual(kept.metadata, { namespace: 'shop', name: 'web', uid: 'u', resourceVersion: '7', labels });
  assert.equal(kept.spec?.selector, undefined);
  const [first, second] = slimEndpointSlices.schema.parse(slice).endpoints ?? [];
  assert.deepEqual(first?.addresses, ['10.1.0.1']);
  assert.deepEqual(second, { addresses: ['10.1.0.3'], conditions, nodeName: 'node1' });
});
