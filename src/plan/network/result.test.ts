import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, parseCidr } from '#ip';
import { coordinatorResult } from './result.ts';
import { mergeSettings } from './settings.ts';
import { planUnderlay } from './underlay.ts';

const netns = '/run/netns/pod';
const settings = (podMACPrefix: string) =>
  mergeSettings({
    netConf: { overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.96.0.0/12'], podMACPrefix },
    podAnnotations: {},
    coordinator: undefined,
  });
const plan = (podMACPrefix = '') =>
  planUnderlay({
    attachment: { containerId: 'aaaa', interfaceName: 'eth0' },
    addresses: [parseCidr('10.6.0.5/16')],
    nodeAddresses: [parseAddress('10.6.0.1')],
    settings: settings(podMACPrefix),
  });
const previous = {
  interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', sandbox: netns }],
  ips: [{ address: '10.6.0.5/16', gateway: '10.6.0.254', interface: 0 }, { address: 'fd00::5/64' }],
  routes: [{ dst: '0.0.0.0/0' }],
};

test('veth0 is reported, and the NIC stays the sandbox’s last interface and the addresses’ own', () => {
  const { interfaces = [], ips = [], routes } = coordinatorResult(previous, plan(), netns);
  assert.deepEqual(
    interfaces.map(({ name, sandbox }) => [name, sandbox]),
    [
      ['vethaaaa', undefined],
      ['veth0', netns],
      ['eth0', netns],
    ],
  );
  assert.equal(interfaces[ips[0]?.interface ?? -1]?.name, 'eth0');
  assert.equal(ips[1]?.interface, undefined);
  assert.deepEqual(routes, previous.routes);
});

test('a changed MAC address is reported, an unchanged one stays', () => {
  const mac = (prefix: string) => coordinatorResult(previous, plan(prefix), netns).interfaces?.at(-1)?.mac;
  assert.equal(mac('0a:1b'), '0a:1b:0a:06:00:05');
  assert.equal(mac(''), '02:00:00:00:00:01');
});
