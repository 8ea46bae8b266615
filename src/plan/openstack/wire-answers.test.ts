import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress, parseNetwork } from '#ip';
import { addressesToAsk, answerFindings, type NodeOnWire, type WirePort } from './wire-answers.ts';

const own = 'fa:16:3e:00:00:01';
const gatewayMac = 'fa:16:3e:00:00:fe';
const otherMac = 'fa:16:3e:00:00:02';
const strange = '0a:00:00:00:00:77';
const port = (id: string, mac: string, more: Partial<WirePort> = {}): WirePort => ({
  ...{ id, mac, deviceId: `vm-${id}`, addresses: [], pairs: [] },
  ...more,
});

const node: NodeOnWire = {
  nic: { name: 'eth0', mac: own, addresses: [parseAddress('10.6.0.8')] },
  otherNics: new Map([['fa:16:3e:00:00:0b', 'eth1']]),
  ...{ serverId: 'vm-own', networkId: 'net', portId: 'own', seesAllPorts: true },
  ports: [
    port('own', own, {
      addresses: ['10.6.0.8', '10.6.0.21'].map(parseAddress),
      pairs: [
        { address: '10.99.0.0/16', mac: own },
        { address: '10.6.0.200', mac: own },
      ],
    }),
    port('router', gatewayMac, { addresses: [parseAddress('10.6.0.1')] }),
    port('other', otherMac, { pairs: [{ address: '10.6.0.200', mac: otherMac }] }),
  ],
  subnets: [{ id: 'sub', cidr: parseNetwork('10.6.0.0/24'), gateway: '10.6.0.1' }],
  usedGateways: [],
  pods: [
    { name: 'default/web', address: parseAddress('10.6.0.21') },
    { name: 'default/pooled', address: parseAddress('10.99.0.5') },
    { name: 'default/elsewhere', address: parseAddress('192.168.1.5') },
  ],
  podNetworks: [],
};
const gateway = { '10.6.0.1': [gatewayMac] };

/** What is found when these answer. The gateway answers as it should, unless it is named. */
function found(answers: Readonly<Record<string, readonly string[]>>, change: Partial<NodeOnWire> = {}) {
  const changed = { ...node, ...change };
  return answerFindings(
    changed,
    addressesToAsk(changed),
    new Map(Object.entries({ ...gateway, ...answers })),
  );
}

const mended = (...words: Parameters<typeof found>) => found(...words).map(({ mend }) => mend);

test('gateways, addresses of the node, of its pods, of its port and of single pairs are asked for, each once', () => {
  assert.deepEqual(
    addressesToAsk(node).map(({ address }) => formatAddress(address)),
    ['10.6.0.1', '10.6.0.8', '10.6.0.21', '10.99.0.5', '10.6.0.200'],
  );
});

test('answers by the MAC addresses of Neutron, and silence of addresses of the node, are right', () => {
  assert.deepEqual(found({}), []);
  assert.deepEqual(found({ '10.6.0.8': [own], '10.6.0.21': [own], '10.99.0.5': [own] }), []);
});

test('another VM that answers for a pod is named, with its port', () => {
  const [finding] = found({ '10.6.0.21': [otherMac] });
  assert.equal(
    finding?.what,
    `${otherMac}, port other of vm-other, answers for 10.6.0.21, which pod default/web of this node has, and Neutron says ${own}`,
  );
  assert.equal(finding?.mend, 'openstack port show other');
  assert.equal(found({ '10.6.0.8': [own, otherMac] }).length, 1, 'beside the right one too');
});

test('a pair for that address alone is what is taken off the other port', () => {
  const pairs = [{ address: '10.6.0.21/32', mac: otherMac }];
  const ports = node.ports.map((one) => (one.id === 'other' ? { ...one, pairs } : one));
  assert.deepEqual(mended({ '10.6.0.21': [otherMac] }, { ports }), [
    `openstack port unset --allowed-address ip-address=10.6.0.21/32,mac-address=${otherMac} other`,
  ]);
});

test('a pair that several ports have may be answered for by any of them, and by no other', () => {
  assert.deepEqual(found({ '10.6.0.200': [otherMac] }), []);
  assert.equal(found({ '10.6.0.200': [strange] }).length, 1);
});

test('a NIC of the same VM on a port of its own may answer for the address of that port', () => {
  const nic = port('second', '0a:00:00:00:00:03', {
    ...{ deviceId: 'vm-own', addresses: [parseAddress('10.6.0.22')] },
  });
  const pods = [{ name: 'default/nic', address: parseAddress('10.6.0.22') }];
  const change = { ports: [...node.ports, nic], pods };
  assert.deepEqual(found({ '10.6.0.22': [nic.mac] }, change), []);
  // A port that only reserves the address belongs to no VM: nobody may answer by its MAC address.
  const reserves = { ...nic, deviceId: 'orbweaver' };
  assert.equal(found({ '10.6.0.22': [nic.mac] }, { ...change, ports: [...node.ports, reserves] }).length, 1);
});

test('another NIC of this node that answers is told to be silent', () => {
  assert.deepEqual(mended({ '10.6.0.8': ['fa:16:3e:00:00:0b'] }), [
    'sysctl -w net.ipv4.conf.all.arp_ignore=1',
  ]);
});

test('a machine that Neutron does not show is looked for, unless the login sees all ports', () => {
  assert.deepEqual(mended({ '10.6.0.1': [strange] }, { seesAllPorts: false }), [
    `openstack port list --network net --mac-address ${strange}`,
  ]);
  assert.deepEqual(mended({ '10.6.0.1': [strange] }), [undefined]);
});

test('a gateway that Neutron does not show may be anybody, but not two', () => {
  const ports = node.ports.filter(({ id }) => id !== 'router');
  assert.deepEqual(found({ '10.6.0.1': [strange] }, { ports }), []);
  assert.equal(found({ '10.6.0.1': [strange, otherMac] }, { ports }).length, 1);
});

test('a gateway that is silent is named, if the router or the node needs it', () => {
  assert.deepEqual(mended({ '10.6.0.1': [] }), ['openstack port show router']);
  const ports = node.ports.filter(({ id }) => id !== 'router');
  assert.deepEqual(mended({ '10.6.0.1': [] }, { ports }), []);
  const usedGateways = [parseAddress('10.6.0.1')];
  assert.deepEqual(mended({ '10.6.0.1': [] }, { ports, usedGateways }), [
    'openstack router add subnet ROUTER sub',
  ]);
  assert.deepEqual(mended({ '10.6.0.1': [] }, { ports, usedGateways, seesAllPorts: false }), [
    'openstack port list --network net --fixed-ip ip-address=10.6.0.1',
  ]);
});
