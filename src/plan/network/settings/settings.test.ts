import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpiderCoordinator } from '#api';
import { isOrbError } from '#base';
import { formatAddress, formatCidr, parseCidr } from '#ip';
import { type CoordinatorOptions, mergeSettings, type SettingSources } from './settings.ts';

function cluster(spec: Partial<NonNullable<SpiderCoordinator['spec']>> = {}): SpiderCoordinator {
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderCoordinator',
    metadata: { name: 'default' },
    spec: { mode: 'auto', tunePodRoutes: true, hostRuleTable: 500, podRPFilter: 0, txQueueLen: 0, ...spec },
    status: { phase: 'Synced', overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.96.0.0/12'] },
  };
}

function merge(sources: Partial<SettingSources>) {
  return mergeSettings({ netConf: {}, podAnnotations: {}, coordinator: cluster(), ...sources });
}

test('an empty configuration uses the cluster’s values and the defaults', () => {
  const settings = merge({});
  assert.deepEqual(settings.hijackedNetworks.map(formatCidr), ['10.244.0.0/16', '10.96.0.0/12']);
  assert.deepEqual(
    { ...settings, hijackedNetworks: [] },
    {
      mode: 'auto',
      podDefaultCniNic: 'eth0',
      podDefaultRouteNic: undefined,
      multusDefaults: undefined,
      hijackedNetworks: [],
      overlayNetworks: [parseCidr('10.244.0.0/16')],
      policyRoutes: [],
      podMacPrefix: undefined,
      tunePodRoutes: true,
      hostRuleTable: 500,
      podRpFilter: 0,
      txQueueLength: undefined,
      vethLinkAddress: undefined,
      vethMtuBytes: 1500,
      masqueradesServices: false,
    },
  );
});

test('the configuration takes precedence over the annotation, and the annotation over the cluster', () => {
  const podAnnotations = { 'ipam.spidernet.io/default-route-nic': 'net1' };
  const coordinator = cluster({ podDefaultRouteNIC: 'net2' });
  const nic = (sources: Partial<SettingSources>) => merge(sources).podDefaultRouteNic;
  assert.equal(nic({ coordinator }), 'net2');
  assert.equal(nic({ coordinator, podAnnotations }), 'net1');
  assert.equal(nic({ coordinator, podAnnotations, netConf: { podDefaultRouteNic: 'eth0' } }), 'eth0');
});

test('an annotation that no NIC can have as its name is refused, and one of a NIC that may come is not', () => {
  const of = (name: string) => () =>
    merge({ podAnnotations: { 'ipam.spidernet.io/default-route-nic': name } }).podDefaultRouteNic;
  assert.equal(of('net9')(), 'net9');
  for (const name of ['../../../proc', 'a b', 'x'.repeat(16), '..'])
    assert.throws(of(name), {
      code: 'INPUT_INVALID',
      message: `annotation ipam.spidernet.io/default-route-nic is ${JSON.stringify(name)}; allowed: the name of an interface`,
    });
});

test('for each option, the configuration overrides the cluster, and the cluster the default', () => {
  const options: [keyof CoordinatorOptions, keyof ReturnType<typeof merge>, unknown, unknown][] = [
    ['mode', 'mode', 'overlay', 'underlay'],
    ['podMACPrefix', 'podMacPrefix', '0a:1b', '0a:2b'],
    ['tunePodRoutes', 'tunePodRoutes', false, true],
    ['hostRuleTable', 'hostRuleTable', 600, 700],
    ['podRPFilter', 'podRpFilter', 2, 1],
    ['txQueueLen', 'txQueueLength', 100, 200],
    ['vethMTU', 'vethMtuBytes', 1400, 9000],
    ['vethLinkAddress', 'vethLinkAddress', '169.254.1.1', '169.254.1.2'],
    ['hijackCIDR', 'hijackedNetworks', ['10.1.0.0/16'], ['10.2.0.0/16']],
    [
      'policyRoutes',
      'policyRoutes',
      [{ dst: '10.1.0.0/16', gw: '10.6.0.2' }],
      [{ dst: '::/0', gw: 'fd00::1' }],
    ],
  ];
  for (const [option, setting, own, theirs] of options) {
    const ofCluster = merge({ coordinator: cluster({ [option]: theirs }) })[setting];
    const both = merge({ coordinator: cluster({ [option]: theirs }), netConf: { [option]: own } })[setting];
    assert.deepEqual(both, merge({ netConf: { [option]: own } })[setting], option);
    assert.notDeepEqual(both, ofCluster, option);
    if (option !== 'tunePodRoutes') assert.notDeepEqual(ofCluster, merge({})[setting], option);
  }
});

test('a SpiderCoordinator whose status names no networks of Services is no error', () => {
  const coordinator = { ...cluster(), status: { phase: 'Synced' } };
  assert.deepEqual(merge({ coordinator }).hijackedNetworks, []);
});

test('empty texts and empty lists, as generated configurations have them, mean the cluster’s values', () => {
  const coordinator = cluster({
    hijackCIDR: ['169.254.0.0/16'],
    podMACPrefix: '0a:1b',
    vethLinkAddress: '169.254.1.9',
  });
  const netConf: CoordinatorOptions = {
    hijackCIDR: [],
    overlayPodCIDR: [],
    podMACPrefix: '',
    vethLinkAddress: '',
    hostRuleTable: 0,
  };
  assert.deepEqual(merge({ coordinator, netConf }), merge({ coordinator }));
});

test('a list in the configuration replaces the cluster’s list', () => {
  const settings = merge({ netConf: { serviceCIDR: ['10.0.0.0/24'] } });
  assert.deepEqual(settings.hijackedNetworks.map(formatCidr), ['10.244.0.0/16', '10.0.0.0/24']);
});

test('a bare address in hijackCIDR is a network of one address, and a duplicate network counts once', () => {
  const settings = merge({
    coordinator: cluster({ hijackCIDR: ['169.254.169.254', ' fd00::1', '10.96.0.0/12'] }),
  });
  assert.deepEqual(settings.hijackedNetworks.slice(2).map(formatCidr), ['169.254.169.254/32', 'fd00::1/128']);
});

test('the cluster’s `disabled` equals the configuration’s `disable`, and needs no networks', () => {
  assert.equal(merge({ coordinator: cluster({ mode: 'disabled' }) }).mode, 'disable');
  assert.equal(merge({ coordinator: undefined, netConf: { mode: 'disable' } }).mode, 'disable');
});

test('a negative podRPFilter of the cluster leaves rp_filter unchanged, whatever its size', () => {
  assert.equal(merge({ coordinator: cluster({ podRPFilter: -7 }) }).podRpFilter, undefined);
  assert.equal(
    merge({ coordinator: cluster({ podRPFilter: -7 }), netConf: { podRPFilter: 2 } }).podRpFilter,
    2,
  );
});

test('without the cluster’s networks a pod waits, unless the configuration has both', () => {
  const notReady = (error: unknown) => isOrbError(error, 'COORDINATOR_NOT_READY');
  assert.throws(() => merge({ coordinator: undefined }), notReady);
  const waiting = { ...cluster(), status: { phase: 'NotReady', reason: 'no CNI' } };
  assert.throws(() => merge({ coordinator: waiting }), /spidercoordinator: default no ready: no CNI/);
  const netConf = { overlayPodCIDR: ['10.1.0.0/16'], serviceCIDR: ['10.2.0.0/16'] };
  assert.equal(merge({ coordinator: undefined, netConf }).hijackedNetworks.length, 2);
});

test('each bad value has its own error with field, value and allowed values', () => {
  const bad: [Parameters<typeof cluster>[0], RegExp][] = [
    [{ hijackCIDR: ['10.0.0.0/33'] }, /^hijackCIDR '10\.0\.0\.0\/33' is invalid; allowed: a CIDR/],
    [{ podMACPrefix: '01:10' }, /^podMACPrefix '01:10' is invalid; allowed: two bytes of a unicast/],
    [{ podMACPrefix: '0a-1b' }, /^podMACPrefix '0a-1b' is invalid/],
    [{ podRPFilter: 3 }, /^podRPFilter 3 is invalid; allowed: -1 \(leave alone\), 0/],
    [{ vethMTU: 67 }, /^vethMTU 67 is invalid; allowed: a whole number of 68 to 65535/],
    [{ vethMTU: 100_000 }, /^vethMTU 100000 is invalid/],
    [{ txQueueLen: -1 }, /^txQueueLen -1 is invalid/],
    [
      { hostRuleTable: 254 },
      /^hostRuleTable 254 is invalid; allowed: a table that is not default, main or local/,
    ],
    [{ vethLinkAddress: 'fe80::1' }, /^vethLinkAddress 'fe80::1' is invalid; allowed: an IPv4 address/],
    [
      { policyRoutes: [{ dst: '10.0.0.0/8', gw: 'fd00::1' }] },
      /^policyRoutes .* is invalid; allowed: dst and gw of the same/,
    ],
    [
      { policyRoutes: [{ dst: '10.0.0.0/8', gw: 'there' }] },
      /^policyRoutes\.gw 'there' is invalid; allowed: an IP address/,
    ],
  ];
  for (const [spec, message] of bad) {
    assert.throws(
      () => merge({ coordinator: cluster(spec) }),
      (error) => isOrbError(error, 'INPUT_INVALID') && message.test(error.message),
      String(message),
    );
  }
});

test('values are parsed', () => {
  const settings = merge({
    netConf: {
      podMACPrefix: '0A:1B',
      vethLinkAddress: '169.254.100.1',
      policyRoutes: [{ dst: '10.9.9.9', gw: '10.6.0.1' }],
      txQueueLen: 500,
    },
  });
  assert.equal(settings.podMacPrefix, '0a:1b');
  assert.equal(settings.vethLinkAddress && formatAddress(settings.vethLinkAddress), '169.254.100.1');
  assert.equal(settings.policyRoutes[0] && formatCidr(settings.policyRoutes[0].destination), '10.9.9.9/32');
  assert.equal(settings.txQueueLength, 500);
});
