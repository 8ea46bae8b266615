import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatAddress, parseAddress } from '#ip';
import { commonFamily, type Named, portFor, readDestination } from './destination.ts';
import type { ClusterFacts } from './facts.ts';

const pod = (namespace: string, name: string, ...ips: string[]) => ({
  metadata: { namespace, name },
  spec: { nodeName: 'node1', containers: [{ name: 'c', ports: [{ containerPort: 8080 }] }] },
  status: { podIPs: ips.map((ip) => ({ ip })) },
});

const facts: ClusterFacts = {
  pods: [
    pod('default', 'web', '10.6.0.5', 'fd00::5'),
    pod('other', 'web', '10.6.0.6'),
    pod('default', 'alone', '10.6.0.7'),
  ],
  nodes: [
    {
      metadata: { name: 'node1' },
      status: {
        addresses: [
          { type: 'InternalIP', address: '10.6.0.1' },
          { type: 'Hostname', address: 'node1' },
        ],
      },
    },
    { metadata: { name: 'shop' }, status: { addresses: [{ type: 'InternalIP', address: '10.6.0.2' }] } },
  ],
  services: [
    {
      metadata: { namespace: 'default', name: 'shop' },
      spec: { clusterIPs: ['10.96.0.5', 'fd00:96::5'], ports: [{ port: 80, nodePort: 30_080 }] },
    },
    {
      metadata: { namespace: 'default', name: 'headless' },
      spec: { clusterIPs: ['None'], ports: [{ port: 80 }] },
    },
  ],
  slices: [],
  overlayCidrs: [],
};

const read = (input: string) => {
  const { text, addresses, port } = readDestination(input, facts, []);
  return [text, addresses.map(formatAddress).join(' '), port];
};

describe('a destination', () => {
  test('an address may have a port, IPv6 in brackets', () => {
    assert.deepEqual(read('10.6.0.9:443'), ['10.6.0.9', '10.6.0.9', 443]);
    assert.deepEqual(read('[fd00::9]:443'), ['fd00::9', 'fd00::9', 443]);
    assert.deepEqual(read('fd00::9:443'), ['fd00::9:443', 'fd00::9:443', undefined]);
  });

  test('with a port that the Service does not have is refused, and the error lists its ports', () => {
    assert.throws(() => read('service:shop:99'), {
      code: 'TRACE_UNKNOWN',
      message: /no port 99, it has 80$/,
    });
  });

  test('is an address, a pod, a Service with its port, a node or a node port', () => {
    assert.deepEqual(read('192.0.2.1'), ['192.0.2.1', '192.0.2.1', undefined]);
    assert.deepEqual(read('default/web'), ['default/web', '10.6.0.5 fd00::5', 8080]);
    assert.deepEqual(read('alone'), ['default/alone', '10.6.0.7', 8080]);
    assert.deepEqual(read('service:shop'), ['Service default/shop', '10.96.0.5 fd00:96::5', 80]);
    assert.deepEqual(read('default/shop:80'), ['Service default/shop', '10.96.0.5 fd00:96::5', 80]);
    assert.deepEqual(read('node1'), ['node node1', '10.6.0.1', undefined]);
    assert.deepEqual(read('nodeport:node1:30080'), [
      'NodePort 30080 of Service default/shop at node1',
      '10.6.0.1',
      30_080,
    ]);
    assert.deepEqual(read('nodeport:10.6.0.2:30080')[1], '10.6.0.2');
  });

  test('may have its kind before it, as in kubectl', () => {
    for (const input of ['pod/alone', 'pods/alone', 'po/default/alone', 'pod:alone', 'pod:default/alone'])
      assert.equal(read(input)[0], 'default/alone', input);
    for (const input of ['service/shop', 'svc/shop:80', 'svc/default/shop'])
      assert.equal(read(input)[0], 'Service default/shop', input);
    for (const input of ['node/shop', 'no/shop', 'node:shop'])
      assert.equal(read(input)[0], 'node shop', input);
  });

  test('is found in a namespace that has the name of a kind', () => {
    const strange = { ...facts, pods: [pod('pod', 'web', '10.6.0.8'), pod('default', 'alone', '10.6.0.7')] };
    assert.equal(readDestination('pod/web', strange, []).text, 'pod/web');
    assert.equal(readDestination('pod/alone', strange, []).text, 'default/alone');
  });

  test('without a namespace is in the one that --namespace names', () => {
    assert.equal(readDestination('web', facts, [], 'other').text, 'other/web');
    assert.equal(readDestination('default/web', facts, [], 'other').text, 'default/web');
    assert.throws(() => readDestination('alone', facts, [], 'other'), { code: 'TRACE_UNKNOWN' });
  });

  test('that is mistyped is refused with a suggestion', () => {
    assert.throws(() => read('alnoe'), /did you mean alone\?$/);
    assert.throws(() => read('defualt/web'), /did you mean default\/web\?$/);
    assert.throws(() => read('svc/shpo'), /did you mean shop\?$/);
  });

  test('that exists in another namespace is refused with that namespace, not with the same word', () => {
    const inOther = () => readDestination('alone', facts, [], 'other');
    assert.throws(inOther, /did you mean default\/alone\?$/);
  });

  test('that is a pod or node with a port is refused with a hint to --port', () => {
    assert.throws(() => read('alone:81'), /has that name; write alone --port 81$/);
    assert.throws(() => read('pod/alone:81'), /has that name; write alone --port 81$/);
  });

  test('with an unknown or ambiguous name is refused with the existing names', () => {
    assert.throws(() => read('nobody'), {
      code: 'TRACE_UNKNOWN',
      message: /destination "nobody": no pod, Service, node or machine has that name/,
    });
    assert.throws(() => read('web'), {
      code: 'TRACE_UNKNOWN',
      message: /is ambiguous: pod:default\/web, pod:other\/web/,
    });
    assert.throws(() => read('shop'), {
      code: 'TRACE_UNKNOWN',
      message: /is ambiguous: service:default\/shop, node:shop/,
    });
    assert.throws(() => read('service:web'), { code: 'TRACE_UNKNOWN' });
    assert.throws(() => read('nodeport:node9:30080'), { code: 'TRACE_UNKNOWN', message: /no node "node9"/ });
    assert.throws(() => read('nodeport:node1:30099'), {
      code: 'TRACE_UNKNOWN',
      message: /no Service has the node port 30099/,
    });
  });

  test('and its source need a common family, and IPv4 comes first', () => {
    const from = (...addresses: string[]): Named => ({
      name: 'default/a',
      destination: { text: 'default/a', addresses: addresses.map(parseAddress) },
    });
    const to = readDestination('default/web', facts, []);
    const four = readDestination('alone', facts, []);
    assert.equal(commonFamily(from('10.0.0.1', 'fd00::1'), to, undefined), 4);
    assert.equal(commonFamily(from('fd00::1'), to, undefined), 6);
    assert.equal(commonFamily(from('10.0.0.1', 'fd00::1'), to, 6), 6);
    assert.throws(() => commonFamily(from('10.0.0.1', 'fd00::1'), four, 6), {
      code: 'TRACE_NO_FAMILY',
      message: 'default/a (IPv4 and IPv6) and default/alone (IPv4) have no IPv6 in common',
    });
    assert.throws(() => commonFamily(from('fd00::1'), readDestination('headless', facts, []), undefined), {
      code: 'TRACE_NO_FAMILY',
      message: /Service default\/headless \(no address\) have no address family in common/,
    });
  });

  test('gets its port from the flag or the Service, and needs none for ICMP', () => {
    const node = readDestination('node1', facts, []);
    assert.throws(() => portFor('tcp', undefined, node), {
      code: 'INPUT_INVALID',
      message: /--port \(1 to 65535\) or --protocol icmp is required/,
    });
    assert.equal(portFor('tcp', 22, node), 22);
    assert.equal(portFor('icmp', undefined, node), 0);
    assert.equal(portFor('udp', undefined, readDestination('default/web', facts, [])), 8080);
  });
});
