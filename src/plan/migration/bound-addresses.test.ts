// Marks on the records of addresses that a provider of an IaaS has bound for Spiderpool.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type SpiderEndpoint } from '#api';
import { parseAddress } from '#ip';
import { boundAddress } from '../iaas/index.ts';
import { PoolLedger } from '../ipam/index.ts';
import { markedRecords } from './bound-addresses.ts';

const poolOf = (allocatedIPs: object, annotations: Record<string, string> = {}) =>
  resources.spiderIPPools.schema.parse({
    metadata: { name: 'eni', annotations },
    spec: { subnet: '10.41.0.0/24', ips: ['10.41.0.1-10.41.0.99'] },
    status: { allocatedIPs: JSON.stringify(allocatedIPs) },
  });

/** As Spiderpool writes it. */
function endpointOf(name: string, uid: string, nic: object): SpiderEndpoint {
  const ips = [{ interface: 'eth0', ipv4Pool: 'eni', vlan: 0, ...nic }];
  return resources.spiderEndpoints.schema.parse({
    metadata: { namespace: 'apps', name },
    status: {
      current: { uid, node: 'worker-1', ips },
      ...{ ownerControllerType: 'Pod', ownerControllerName: name },
    },
  });
}

const record = (name: string, podUid: string) => ({ pod: `apps/${name}`, podUid });
const place = { node: 'worker-1', parentNicMac: '' };

test('an address whose endpoint has the MAC address or the VLAN of an answer gets a mark', () => {
  const pool = poolOf({
    '10.41.0.1': record('mac', 'u1'),
    '10.41.0.2': record('vlan', 'u2'),
    '10.41.0.3': record('plain', 'u3'),
    '10.41.0.4': record('unknown', 'u4'),
  });
  const { addresses, allocatedIPs } = markedRecords(pool, [
    endpointOf('mac', 'u1', { ipv4: '10.41.0.1/24', mac: 'fa:16:3e:00:00:01' }),
    endpointOf('vlan', 'u2', { ipv4: '10.41.0.2/24', vlan: 7 }),
    endpointOf('plain', 'u3', { ipv4: '10.41.0.3/24' }),
  ]);
  assert.deepEqual(addresses, ['10.41.0.1', '10.41.0.2']);
  assert.deepEqual(JSON.parse(allocatedIPs), {
    '10.41.0.1': { ...record('mac', 'u1'), iaas: place },
    '10.41.0.2': { ...record('vlan', 'u2'), iaas: place },
    '10.41.0.3': record('plain', 'u3'),
    '10.41.0.4': record('unknown', 'u4'),
  });
  const marked = poolOf(JSON.parse(allocatedIPs) as object);
  assert.deepEqual(markedRecords(marked, []).addresses, []);
  const bound = boundAddress(PoolLedger.read(marked), parseAddress('10.41.0.1'));
  assert.deepEqual([bound?.node, bound?.pod.uid], ['worker-1', 'u1']);
});

test('the fixed address of a StatefulSet is known by the name of its pod', () => {
  const pool = poolOf({ '10.41.0.1': record('db-0', 'before') });
  const own = endpointOf('db-0', 'now', { ipv4: '10.41.0.1/24', vlan: 7 });
  assert.deepEqual(markedRecords(pool, [own]).addresses, ['10.41.0.1']);
});

test('an address that another pod has by now gets no mark, and a mark that is there stays', () => {
  const own = { node: 'worker-2', parentNicMac: 'fa:16:3e:11:22:33' };
  const pool = poolOf({
    '10.41.0.1': record('young', 'u2'),
    '10.41.0.2': { ...record('ours', 'u3'), iaas: own },
  });
  const { addresses, allocatedIPs } = markedRecords(pool, [
    endpointOf('old', 'u1', { ipv4: '10.41.0.1/24', vlan: 7 }),
    endpointOf('ours', 'u3', { ipv4: '10.41.0.2/24', vlan: 8 }),
  ]);
  assert.deepEqual(addresses, []);
  assert.deepEqual((JSON.parse(allocatedIPs) as Record<string, { iaas?: object }>)['10.41.0.2']?.iaas, own);
});

test('what a provider has made ready for a pool is never released there', () => {
  const pool = poolOf({ '10.41.0.1': record('a', 'u1') }, { 'ipam.spidernet.io/iaas-provider': 'somecloud' });
  const own = endpointOf('a', 'u1', { ipv4: '10.41.0.1/24', vlan: 7 });
  assert.deepEqual(markedRecords(pool, [own]).addresses, []);
});
