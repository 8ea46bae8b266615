// What may be said of the place where a trace begins.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatAddress } from '#ip';
import { sampleCluster } from '#plan/trace';
import type { ClusterFacts } from './facts.ts';
import { readSource } from './source.ts';

const sample = sampleCluster({ natOutgoing: true, defaultRouteNic: 'eth0', dropsInvalid: true });
/** As seen from a lab: the places of pods have their namespaces. */
const world = {
  ...sample,
  places: sample.places.map((place) =>
    place.kind === 'pod' ? { ...place, name: `default/${place.name}` } : place,
  ),
};
const pod = (namespace: string, name: string, node: string, ip: string) => ({
  metadata: { namespace, name },
  spec: { nodeName: node, containers: [] },
  status: { podIPs: [{ ip }] },
});
const facts: ClusterFacts = {
  pods: [
    pod('default', 'M1', 'node1', '10.6.100.21'),
    pod('default', 'C2', 'node2', '10.244.2.12'),
    pod('other', 'C2', 'node9', '10.244.9.9'),
  ],
  nodes: [],
  services: [],
  slices: [],
  overlayCidrs: [],
};

const read = (input: string, namespace?: string) => {
  const { name, bound } = readSource(input, world, facts, namespace);
  return bound === undefined ? name : `${name} as ${formatAddress(bound)}`;
};

describe('a source', () => {
  test('is a pod by name, with or without its kind or its namespace before it', () => {
    for (const input of ['M1', 'pod/M1', 'pods/M1', 'po/M1', 'pod:M1', 'default/M1', 'pod/default/M1'])
      assert.equal(read(input), 'default/M1', input);
    assert.equal(read('C2', 'default'), 'default/C2');
    assert.throws(() => read('C2'), /is ambiguous: default\/C2, other\/C2/);
  });

  test('is a node or a machine', () => {
    for (const input of ['node1', 'node/node1', 'node:node1']) assert.equal(read(input), 'node1', input);
    assert.equal(read('client'), 'client');
    assert.throws(() => read('pod/client'), { code: 'TRACE_UNKNOWN' });
  });

  test('is an address that the sender binds to', () => {
    assert.equal(read('10.6.100.21'), 'default/M1 as 10.6.100.21');
    assert.equal(read('fd00:10:6::100:21'), 'default/M1 as fd00:10:6::100:21');
    assert.equal(read('10.6.212.101'), 'node1 as 10.6.212.101');
  });

  test('that cannot be entered from here is refused, by name and by address', () => {
    for (const input of ['other/C2', '10.244.9.9'])
      assert.throws(() => read(input), {
        code: 'TRACE_OUT_OF_SIGHT',
        message: /other\/C2 .*: it is on node9/,
      });
    assert.throws(() => read('192.0.2.99'), { code: 'TRACE_UNKNOWN', message: /192\.0\.2\.99: no pod/ });
  });

  test('that is mistyped is refused with a suggestion', () => {
    assert.throws(() => read('clinet'), /did you mean client\?/);
    assert.throws(() => read('svc/M1'), /no pod, node or machine has that name/);
  });
});
