import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, parseCidr } from '#ip';
import { mergeSettings } from '../settings/settings.ts';
import { planPod } from './pod.ts';
import { coordinatorResult } from './result.ts';

const netns = '/run/netns/pod';
const settings = (podMACPrefix: string) =>
  mergeSettings({
    netConf: { overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.96.0.0/12'], podMACPrefix },
    podAnnotations: {},
    coordinator: undefined,
  });
const plan = (podMACPrefix = '') =>
  planPod({
    containerId: 'aaaa',
    nics: [
      { name: 'eth0', addresses: [parseCidr('10.6.0.5/16')], routes: [], settings: settings(podMACPrefix) },
      {
        name: 'net1',
        addresses: [parseCidr('10.7.0.5/16')],
        routes: [],
        settings: settings(podMACPrefix),
        table: 101,
      },
    ],
    nodeAddresses: [parseAddress('10.6.0.1')],
  });
const previous = {
  interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', sandbox: netns }],
  ips: [{ address: '10.6.0.5/16', gateway: '10.6.0.254', interface: 0 }, { address: 'fd00::5/64' }],
  routes: [{ dst: '0.0.0.0/0' }],
};

test('the veth pair comes last, so interfaces of other plugins keep their place, and all addresses belong to the NIC', () => {
  const { interfaces = [], ips = [], routes } = coordinatorResult(previous, plan(), 'eth0', netns);
  assert.deepEqual(
    interfaces.map(({ name, sandbox }) => [name, sandbox]),
    [
      ['eth0', netns],
      ['vethaaaa', undefined],
      ['veth0', netns],
    ],
  );
  assert.deepEqual(
    ips,
    previous.ips.map((ip) => ({ ...ip, interface: 0 })),
  );
  assert.deepEqual(routes, previous.routes);
});

test('a changed MAC address is reported, and an unchanged one stays', () => {
  const mac = (prefix: string) =>
    coordinatorResult(previous, plan(prefix), 'eth0', netns).interfaces?.[0]?.mac;
  assert.equal(mac('0a:1b'), '0a:1b:0a:06:00:05');
  assert.equal(mac(''), '02:00:00:00:00:01');
});

test('a later NIC’s result has its own MAC address, and not the veth pair of the first NIC', () => {
  const before = { interfaces: [{ name: 'net1', mac: '02:00:00:00:00:02', sandbox: netns }] };
  assert.deepEqual(coordinatorResult(before, plan('0a:1b'), 'net1', netns).interfaces, [
    { name: 'net1', mac: '0a:1b:0a:07:00:05', sandbox: netns },
  ]);
});
