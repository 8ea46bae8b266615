import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, parseNetwork } from '#ip';
import { cloudFindings, type NodeInCloud, type SecurityRule } from './findings.ts';

const open: SecurityRule = {
  direction: 'ingress',
  ethertype: 'IPv4',
  protocol: null,
  remotePrefix: '10.99.0.0/16',
  remoteGroupId: null,
};
const good: NodeInCloud = {
  nic: { name: 'eth0', mtuBytes: 1450, addresses: [parseAddress('10.0.0.8')] },
  projectId: 'k8s',
  isAdmin: false,
  serverId: 'server',
  serverStatus: 'ACTIVE',
  port: {
    id: 'port',
    addresses: [parseAddress('10.0.0.8')],
    hasSecurity: true,
    pairs: ['10.99.0.0/16'],
    securityGroups: ['group'],
  },
  network: { id: 'net', projectId: 'k8s', mtuBytes: 1450 },
  rules: [open],
  portQuota: { limit: 100, used: 5 },
  extensions: new Set(['revision-if-match']),
  podNetworks: [parseNetwork('10.99.0.0/16')],
};

const mended = (change: Partial<NodeInCloud>) =>
  cloudFindings({ ...good, ...change }).map(({ mend }) => mend);

test('a node as it should be has no findings', () => {
  assert.deepEqual(cloudFindings(good), []);
});

test('without port security no address, pair or rule is missing', () => {
  const port = { ...good.port, hasSecurity: false, pairs: [], addresses: [] };
  assert.deepEqual(mended({ port, rules: [] }), []);
});

test('a pair must cover the whole network of the pods', () => {
  const port = { ...good.port, pairs: ['10.99.0.0/17', '10.99.128.0'] };
  assert.deepEqual(mended({ port }), ['openstack port set --allowed-address ip-address=10.99.0.0/16 port']);
  assert.deepEqual(mended({ port: { ...port, pairs: ['10.0.0.0/8'] } }), []);
});

for (const [what, change] of [
  ['of egress', { direction: 'egress' }],
  ['of IPv6', { ethertype: 'IPv6' }],
  ['of TCP alone', { protocol: 'tcp' }],
  ['of a part of the pods', { remotePrefix: '10.99.0.0/17' }],
  ['for members of a group', { remotePrefix: null, remoteGroupId: 'group' }],
] as const) {
  test(`a rule ${what} does not let pods in`, () => {
    const rule = '--ingress --ethertype IPv4 --protocol any --remote-ip 10.99.0.0/16 group';
    assert.deepEqual(mended({ rules: [{ ...open, ...change }] }), [
      `openstack security group rule create ${rule}`,
    ]);
  });
}

test('a rule for everybody lets pods in', () => {
  assert.deepEqual(mended({ rules: [{ ...open, remotePrefix: null }] }), []);
});

test('an address of the NIC that the port lacks is named, unless a pair has it', () => {
  const nic = { ...good.nic, addresses: [parseAddress('10.0.0.9'), parseAddress('10.99.3.1')] };
  assert.deepEqual(mended({ nic }), ['openstack port set --fixed-ip ip-address=10.0.0.9 port']);
});

test('a larger MTU than that of the network is named, a smaller one is not', () => {
  assert.deepEqual(mended({ nic: { ...good.nic, mtuBytes: 1500 } }), ['ip link set eth0 mtu 1450']);
  assert.deepEqual(mended({ nic: { ...good.nic, mtuBytes: 1400 } }), []);
});

test('a quota is named when nine tenths are used, and no limit is none', () => {
  assert.deepEqual(mended({ portQuota: { limit: 100, used: 90 } }), ['openstack quota set --ports 200 k8s']);
  assert.deepEqual(mended({ portQuota: { limit: -1, used: 90 } }), []);
});

test('a network of another project is named, except to an administrator', () => {
  const network = { ...good.network, projectId: 'other' };
  assert.equal(mended({ network }).length, 1);
  assert.deepEqual(mended({ network, isAdmin: true }), []);
});

test('a Neutron without conditions, and a VM that does not run, are named', () => {
  const found = cloudFindings({ ...good, extensions: new Set(), serverStatus: 'SHUTOFF' });
  assert.deepEqual(
    found.map(({ what }) => what.split(',')[0]),
    ['server server is SHUTOFF', 'Neutron lacks the extension revision-if-match'],
  );
});
