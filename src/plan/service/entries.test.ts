// Which backends a Service has, for the clients of one node.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointSlice, Service } from '#api';
import { parseAddress } from '#ip';
import { serviceEntries } from './entries.ts';
import { frontendKey, placeText } from './tables.ts';

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

const here = {
  name: 'node1',
  zone: 'west',
  addresses: ['172.30.0.11', 'fd00:30::11'].map(parseAddress),
  usesExternalIps: false,
};

function service(spec: Service['spec'], more: Partial<Service> = {}): Service {
  const ports = [{ port: 80, name: 'web' }];
  return { metadata: { namespace: 'shop', name: 'front' }, spec: { ports, ...spec }, ...more } as Service;
}

function slice(endpoints: readonly Endpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    metadata: { namespace: 'shop', name: 'front-1' },
    addressType: 'IPv4',
    ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
    endpoints: [...endpoints],
    ...more,
  };
}

const at = (last: number, more: Partial<Endpoint> = {}): Endpoint => ({
  addresses: [`10.244.0.${last}`],
  ...more,
});
const isReady = { conditions: { ready: true } };
const drains = { conditions: { ready: false, serving: true, terminating: true } };
const isGone = { conditions: { ready: false, serving: false, terminating: true } };

/** By address and port of the Service: `ready | draining`. */
function entries(of: Service, slices: readonly EndpointSlice[]): Record<string, string> {
  return Object.fromEntries(
    serviceEntries(of, slices, here).entries.map(({ frontend, backends: { ready, draining } }) => [
      frontendKey(frontend),
      `${ready.map(placeText).join(' ')} | ${draining.map(placeText).join(' ')}`.trim(),
    ]),
  );
}

const clusterIP = '10.96.0.1';
const plain = service({ clusterIP, clusterIPs: [clusterIP] });
const key = 'TCP 10.96.0.1:80';

describe('the backends of a Service', () => {
  test('ready endpoints take connections, draining ones keep what they have, others count for nothing', () => {
    const pending = at(4, { conditions: { ready: false } });
    const all = [at(1, isReady), at(2, drains), at(3, isGone), pending];
    assert.deepEqual(entries(plain, [slice(all)]), { [key]: '10.244.0.1:8080 | 10.244.0.2:8080' });
  });

  test('draining endpoints take connections only when none is ready', () => {
    assert.deepEqual(entries(plain, [slice([at(2, drains), at(3, isGone)])]), { [key]: '10.244.0.2:8080 |' });
  });

  test('an endpoint whose state is not told is ready', () => {
    assert.deepEqual(entries(plain, [slice([at(1)])]), { [key]: '10.244.0.1:8080 |' });
  });

  test('without endpoints, the entry is there and empty', () => {
    assert.deepEqual(entries(plain, []), { [key]: '|' });
  });

  test('an endpoint that stands in two slices counts once, and is ready if one of them says so', () => {
    const slices = [slice([at(1, drains)]), slice([at(1, isReady)]), slice([at(1, drains)])];
    assert.deepEqual(entries(plain, slices), { [key]: '10.244.0.1:8080 |' });
  });

  test('a named port leads to the port of each slice', () => {
    const other = slice([at(2)], { ports: [{ name: 'web', port: 9090, protocol: 'TCP' }] });
    const foreign = slice([at(3)], { ports: [{ name: 'admin', port: 9091, protocol: 'TCP' }] });
    const udp = slice([at(4)], { ports: [{ name: 'web', port: 53, protocol: 'UDP' }] });
    assert.deepEqual(entries(plain, [slice([at(1)]), other, foreign, udp]), {
      [key]: '10.244.0.1:8080 10.244.0.2:9090 |',
    });
  });

  test('a Service of both families has backends of both', () => {
    const six = slice([{ addresses: ['fd00::1'] }], { addressType: 'IPv6' });
    const dual = service({ clusterIP, clusterIPs: [clusterIP, 'fd00:96::1'] });
    assert.deepEqual(entries(dual, [slice([at(1)]), six]), {
      [key]: '10.244.0.1:8080 |',
      'TCP [fd00:96::1]:80': '[fd00::1]:8080 |',
    });
  });

  test('with internalTrafficPolicy Local, endpoints of other nodes count for nothing', () => {
    const local = service({ clusterIP, internalTrafficPolicy: 'Local' });
    const near = { nodeName: 'node1' };
    const far = { nodeName: 'node2' };
    const ready = [at(1, { ...isReady, ...far }), at(2, { ...isReady, ...near })];
    assert.deepEqual(entries(local, [slice(ready)]), { [key]: '10.244.0.2:8080 |' });
    const drainsHere = [at(1, { ...isReady, ...far }), at(2, { ...drains, ...near })];
    assert.deepEqual(entries(local, [slice(drainsHere)]), { [key]: '10.244.0.2:8080 |' });
    assert.deepEqual(entries(local, [slice([at(1, { ...isReady, ...far })])]), { [key]: '|' });
  });

  test('hints for the node come before hints for the zone', () => {
    const hinted = (last: number, zone: string, node: string) =>
      at(last, { hints: { forZones: [{ name: zone }], forNodes: [{ name: node }] } });
    const onNode = [hinted(1, 'west', 'node1'), hinted(2, 'west', 'node2'), hinted(3, 'east', 'node3')];
    assert.deepEqual(entries(plain, [slice(onNode)]), {
      [key]: '10.244.0.1:8080 | 10.244.0.2:8080 10.244.0.3:8080',
    });
    const inZone = [hinted(2, 'west', 'node2'), hinted(3, 'east', 'node3')];
    assert.deepEqual(entries(plain, [slice(inZone)]), { [key]: '10.244.0.2:8080 | 10.244.0.3:8080' });
  });

  test('hints do not count when a ready endpoint has none, or none of them is for here', () => {
    const west = at(1, { hints: { forZones: [{ name: 'west' }] } });
    const east = at(2, { hints: { forZones: [{ name: 'east' }] } });
    const both = { [key]: '10.244.0.1:8080 10.244.0.2:8080 |' };
    assert.deepEqual(entries(plain, [slice([west, at(2)])]), both);
    assert.deepEqual(entries(plain, [slice([east])]), { [key]: '10.244.0.2:8080 |' });
    assert.deepEqual(entries(plain, [slice([west, at(2, drains)])]), {
      [key]: '10.244.0.1:8080 | 10.244.0.2:8080',
    });
  });
});

describe('the addresses of a Service', () => {
  const none = [slice([at(1)])];

  test('headless Services, ExternalName and those of another proxy have none', () => {
    const labels = { 'service.kubernetes.io/service-proxy-name': 'mesh' };
    const others = [
      service({ clusterIP: 'None', clusterIPs: ['None'] }),
      service({ type: 'ExternalName', clusterIP: '' }),
      service({}),
      service({ clusterIP }, { metadata: { namespace: 'shop', name: 'front', labels } }),
    ];
    for (const other of others) assert.deepEqual(entries(other, none), {});
  });

  test('the address of a load balancer leads to all endpoints, whatever the policies say', () => {
    const spec: Service['spec'] = {
      ...{ type: 'LoadBalancer' as const, clusterIP },
      ...{ internalTrafficPolicy: 'Local' as const, externalTrafficPolicy: 'Local' as const },
    };
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2', ipMode: 'Proxy' }] } };
    assert.deepEqual(entries(service(spec, { status }), none), {
      [key]: '|',
      'TCP 192.0.2.1:80': '10.244.0.1:8080 |',
    });
    const loadBalancerSourceRanges = ['198.51.100.0/24'];
    assert.deepEqual(entries(service({ ...spec, loadBalancerSourceRanges }, { status }), none), {
      [key]: '|',
    });
    assert.deepEqual(entries(service({ ...spec, type: 'NodePort' }, { status }), none), { [key]: '|' });
  });

  test('a NodePort is at the addresses of this node, in the families of the Service, and leads to all endpoints', () => {
    const spec: Service['spec'] = {
      ...{ type: 'NodePort' as const, clusterIP, externalTrafficPolicy: 'Local' as const },
      ports: [{ name: 'web', port: 80, nodePort: 30080 }],
    };
    const far = slice([at(1, { ...isReady, nodeName: 'node2' })]);
    assert.deepEqual(entries(service(spec), [far]), {
      [key]: '10.244.0.1:8080 |',
      'TCP 172.30.0.11:30080': '10.244.0.1:8080 |',
    });
  });

  test('externalIPs are served only where the agent is told so, after ClusterIPs', () => {
    const external = service({ clusterIP, externalIPs: ['192.0.2.9'] });
    assert.deepEqual(entries(external, none), { [key]: '10.244.0.1:8080 |' });
    const { entries: all } = serviceEntries(external, none, { ...here, usesExternalIps: true });
    assert.deepEqual(
      all.map(({ frontend, claim }) => [frontendKey(frontend), claim]),
      [
        [key, 'ClusterIP'],
        ['TCP 192.0.2.9:80', 'outer'],
      ],
    );
  });

  test('an address that is none is left out alone, and zeros before a number mean nothing', () => {
    const external = service({ clusterIP, externalIPs: ['010.0.0.1', '192.0.2.300', '192.0.2.9'] });
    const { entries: all, leftOut } = serviceEntries(external, none, { ...here, usesExternalIps: true });
    assert.deepEqual(
      all.map(({ frontend }) => frontendKey(frontend)),
      [key, 'TCP 10.0.0.1:80', 'TCP 192.0.2.9:80'],
    );
    assert.deepEqual(leftOut, ['spec.externalIPs has "192.0.2.300", which is no IP address']);
  });

  test('externalIPs of one Service cannot fill the tables of all, and leave its ClusterIP alone', () => {
    const externalIPs = Array.from({ length: 300 }, (_, i) => `192.0.${i >> 8}.${i & 255}`);
    const ports = Array.from({ length: 10 }, (_, i) => ({ name: i === 0 ? 'web' : `p${i}`, port: 80 + i }));
    const wide = service({ clusterIP, externalIPs, ports });
    const { entries: all, leftOut } = serviceEntries(wide, none, { ...here, usesExternalIps: true });
    assert.equal(all.filter(({ claim }) => claim === 'ClusterIP').length, 10);
    assert.equal(all.length, 10 + 1024);
    assert.match(leftOut.join(), /^it has 3000 addresses with ports .*, and 1024 of them are served$/);
  });

  test('session affinity lasts three hours unless the Service says more', () => {
    const seconds = (spec: Service['spec']) =>
      serviceEntries(service({ clusterIP, ...spec }), none, here).entries.map(
        ({ backends }) => backends.affinitySeconds,
      );
    const config = { clientIP: { timeoutSeconds: 60 } };
    assert.deepEqual(seconds({ sessionAffinity: 'ClientIP' }), [10_800]);
    assert.deepEqual(seconds({ sessionAffinity: 'ClientIP', sessionAffinityConfig: config }), [60]);
    assert.deepEqual(seconds({ sessionAffinity: 'None', sessionAffinityConfig: config }), [0]);
  });

  test('an endpoint whose address is none is left out alone, and the reader is told', () => {
    const wrong = slice([
      { addresses: ['10.244.0.256'] },
      { addresses: ['10.244.0.1'] },
      { addresses: ['::1'] },
    ]);
    const { entries: all, leftOut } = serviceEntries(plain, [wrong], here);
    assert.deepEqual(
      all.map(({ backends }) => backends.ready.map(placeText)),
      [['10.244.0.1:8080']],
    );
    assert.deepEqual(leftOut, [
      'an endpoint has "10.244.0.256", which is no IPv4 address',
      'an endpoint has "::1", which is no IPv4 address',
    ]);
  });
});
