import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, parseCidr } from '#ip';
import type { Route } from '#net';
import {
  type MergedOptions,
  mergeOptions,
  type NicInput,
  type OverlayNic,
  readSettings,
  usualNumbers,
} from '#plan/network';
import { type AttachmentRecord, decodeRecord, encodeRecord } from './attachment-record.ts';
import { podInputOf, type RecordedNic, recordNic } from './recorded-nic.ts';

const options: MergedOptions = mergeOptions({
  netConf: {
    overlayPodCIDR: ['10.244.0.0/16'],
    serviceCIDR: ['10.96.0.0/12'],
    policyRoutes: [{ dst: '172.30.0.0/16', gw: '10.7.0.254' }],
  },
  podAnnotations: {},
  coordinator: undefined,
});
const route: Route = {
  destination: parseCidr('0.0.0.0/0'),
  table: 254,
  type: 'unicast',
  scope: 'global',
  protocol: 3,
  dev: 'net1',
  gateway: parseAddress('10.7.0.1'),
  source: parseAddress('10.7.0.5'),
  metric: 50,
  mtuBytes: 1400,
  onlink: true,
};
const several: Route = {
  destination: parseCidr('fd99::/64'),
  table: 254,
  type: 'unicast',
  scope: 'global',
  protocol: 3,
  nextHops: [{ dev: 'net1', gateway: parseAddress('fd00:7::1'), weight: 2 }],
};
const nic = (name: string, table?: number): NicInput => ({
  name,
  addresses: [parseCidr('10.7.0.5/16'), parseCidr('fd00:7::5/64')],
  routes: [route, several],
  settings: readSettings(options),
  ...(table !== undefined && { table }),
});
const overlay: OverlayNic = {
  name: 'eth0',
  mac: '02:00:00:00:00:01',
  addresses: [parseCidr('10.244.1.5/32')],
  routes: [],
  peer: { name: 'cali1', mac: 'ee:ee:ee:ee:ee:ee', kind: 'veth' },
};
const planned = { name: 'net1', mac: undefined, hostLink: 'cali1', hostTable: 500, addresses: [] };

function recorded(name: string, table?: number, plannedAt = '2030-01-01T00:00:00.000Z'): RecordedNic {
  const nodeAddresses = [parseAddress(plannedAt.startsWith('2030') ? '10.6.0.1' : '10.6.0.2')];
  const common = {
    mode: 'overlay',
    planned,
    options,
    numbers: usualNumbers,
    nodeAddresses,
    plannedAt,
  } as const;
  return recordNic({ ...common, nic: nic(name, table), index: 7, overlay });
}

function throughFile(plan: unknown): AttachmentRecord {
  const coordinator = { state: 'done', netConf: {}, result: {}, plan } as AttachmentRecord['coordinator'];
  const record: AttachmentRecord = {
    version: 1,
    containerId: 'a',
    interfaceName: 'net1',
    network: 'lan',
    createdAt: '2030-01-01T00:00:00.000Z',
    coordinator,
  };
  return decodeRecord(encodeRecord(record), 'a+net1.json');
}

test('a NIC is read from its file with all routes, tables and settings', () => {
  const plan = throughFile(recorded('net1', 101)).coordinator?.plan;
  assert.ok(plan !== undefined);
  assert.deepEqual(podInputOf('a', [plan]), {
    containerId: 'a',
    nics: [nic('net1', 101)],
    overlay,
    nodeAddresses: [parseAddress('10.6.0.1')],
    numbers: usualNumbers,
  });
});

test('NICs are sorted by table, with the node’s addresses of the last plan', () => {
  const pod = podInputOf('a', [
    recorded('net2', 102),
    recorded('net1', 101, '2031-01-01T00:00:00.000Z'),
    recorded('eth0'),
  ]);
  assert.deepEqual(
    pod.nics.map(({ name }) => name),
    ['eth0', 'net1', 'net2'],
  );
  assert.deepEqual(pod.nodeAddresses, [parseAddress('10.6.0.2')]);
});

test('unknown fields of another version count as absent, and the record is not damaged', () => {
  const other = { hostLink: 'veth0123456789a', podTable: 101, addresses: ['10.7.0.5'] };
  assert.equal(throughFile(other).coordinator?.plan, undefined);
});
