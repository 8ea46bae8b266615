// What each endpoint of a Service is used for, and why.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '#api';
import { parseAddress } from '#ip';
import { serviceEntries } from './entries.ts';
import { placeText } from './tables.ts';
import { endpointUses } from './uses.ts';

const client = {
  ...{ name: 'node1', zone: 'west' },
  ...{ addresses: [parseAddress('172.30.0.11')], usesExternalIps: false },
};
const isReady = { conditions: { ready: true } };
const ends = { conditions: { ready: false, serving: true, terminating: true } };

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

/** What the kernel has is what the Service wanted with the endpoints `before`. */
function uses(
  spec: Service['spec'],
  endpoints: readonly Omit<Endpoint, 'addresses'>[],
  before = endpoints,
): string[] {
  const service = {
    metadata: { namespace: 'shop', name: 'front' },
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }], ...spec },
  } as Service;
  const slice = (of: readonly Omit<Endpoint, 'addresses'>[]): EndpointSlice => ({
    ...{ metadata: {}, addressType: 'IPv4', ports: [{ port: 8080 }] },
    endpoints: of.map((each, index) => ({ ...each, addresses: [`10.244.0.${index + 1}`] })),
  });
  const [entry] = serviceEntries(service, [slice(before)], client).entries;
  assert.ok(entry);
  return endpointUses(service, [slice(endpoints)], entry.frontend, entry.backends, client).map(
    ({ place, sockets, because = '' }) => `${placeText(place)} ${sockets} ${because}`.trim(),
  );
}

test('ready, ending and other endpoints', () => {
  assert.deepEqual(uses({}, [isReady, ends, { conditions: { ready: false } }]), [
    '10.244.0.1:8080 all',
    '10.244.0.2:8080 old it ends',
    '10.244.0.3:8080 none it is not ready',
  ]);
  assert.deepEqual(uses({}, [ends]), ['10.244.0.1:8080 all it ends, and none is ready']);
});

test('endpoints of other nodes and zones', () => {
  const [here, there] = ['node1', 'node2'].map((nodeName) => ({ ...isReady, nodeName }));
  assert.ok(here && there);
  assert.deepEqual(uses({ internalTrafficPolicy: 'Local' }, [here, there]), [
    '10.244.0.1:8080 all',
    '10.244.0.2:8080 none it is on another node, and internalTrafficPolicy is Local',
  ]);
  const near = (name: string) => ({ ...isReady, hints: { forZones: [{ name }] } });
  assert.deepEqual(uses({}, [near('west'), near('east')]), [
    '10.244.0.1:8080 all',
    '10.244.0.2:8080 old others are nearer',
  ]);
});

test('an endpoint that the kernel does not know yet', () => {
  assert.deepEqual(uses({}, [isReady, isReady], [isReady]), [
    '10.244.0.1:8080 all',
    '10.244.0.2:8080 none the kernel does not know it yet',
  ]);
});
