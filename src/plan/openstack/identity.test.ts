import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  judgedPort,
  type OwnNic,
  onlyPort,
  type PortFacts,
  portInDocument,
  serverOfProviderId,
} from './identity.ts';

const mac = 'fa:16:3e:00:00:01';
const nic: OwnNic = { name: 'eth0', mac, addresses: ['10.10.10.1'], macsOfNode: [mac] };
const port: PortFacts = {
  id: 'port-1',
  networkId: 'net-1',
  mac,
  addresses: ['10.10.10.1'],
  deviceId: 'server-1',
  deviceOwner: 'compute:nova',
};

const why = (verdict: object) => ('why' in verdict ? String(verdict.why) : assert.fail('this was believed'));

test('a document of another VM names no port', () => {
  const document = { serverId: 'server-2', links: [{ portId: 'port-2', mac: 'fa:16:3e:00:00:02' }] };
  assert.match(why(portInDocument(document, nic)), /no NIC with fa:16:3e:00:00:01/);
});

test('a MAC address is compared whole', () => {
  const document = { serverId: 'server-2', links: [{ portId: 'port-2', mac: `${mac}0` }] };
  assert.match(why(portInDocument(document, nic)), /no NIC/);
});

test('a document with the MAC address twice names no port', () => {
  const links = [
    { portId: 'port-1', mac },
    { portId: 'port-2', mac },
  ];
  assert.match(why(portInDocument({ serverId: 'server-1', links }, nic)), /2 NICs/);
});

test('10.10.10.1 is not 10.10.10.19', () => {
  const bridge = { ...nic, mac: '02:00:00:00:00:01', macsOfNode: [mac] };
  assert.deepEqual(onlyPort([port], bridge), { value: port });
  assert.match(why(onlyPort([{ ...port, addresses: ['10.10.10.19'] }], bridge)), /is not eth0/);
});

test('the same address in another network is another VM', () => {
  const other = { ...port, id: 'port-2', networkId: 'net-2', mac: 'fa:16:3e:00:00:02', deviceId: 'server-2' };
  assert.deepEqual(onlyPort([other, port], nic), { value: port });
  assert.match(why(onlyPort([other], nic)), /which is not eth0/);
});

test('of two ports that match, none is taken', () => {
  const other = { ...port, id: 'port-2', networkId: 'net-2' };
  assert.match(why(onlyPort([port, other], nic)), /port-1 in network net-1, port-2 in network net-2/);
});

test('a port belongs to the VM that every source names', () => {
  assert.deepEqual(judgedPort(port, nic, [{ source: 'the metadata service', serverId: 'server-1' }]), {
    value: { portId: 'port-1', networkId: 'net-1', serverId: 'server-1' },
  });
  const claims = [
    { source: 'the metadata service', serverId: 'server-1' },
    { source: 'the providerID', serverId: 'server-2' },
  ];
  assert.match(why(judgedPort(port, nic, claims)), /the providerID says that this node is server server-2/);
});

test('a port of a router, of nobody, or with another MAC address is not believed', () => {
  assert.match(why(judgedPort({ ...port, deviceOwner: 'network:router_interface' }, nic, [])), /not to a VM/);
  assert.match(why(judgedPort({ ...port, deviceId: '' }, nic, [])), /not to a VM/);
  assert.match(why(judgedPort({ ...port, mac: 'fa:16:3e:00:00:02' }, nic, [])), /eth0 of this node has/);
});

for (const [text, id] of [
  ['openstack:///1b671a64-40d5-491e-99b0-da01ff1f3341', '1b671a64-40d5-491e-99b0-da01ff1f3341'],
  ['openstack://RegionOne/1b671a64-40d5-491e-99b0-da01ff1f3341', '1b671a64-40d5-491e-99b0-da01ff1f3341'],
  ['aws:///1b671a64-40d5-491e-99b0-da01ff1f3341', undefined],
  ['openstack:///1b671a64', undefined],
  ['openstack:///1b671a64-40d5-491e-99b0-da01ff1f3341/x', undefined],
] as const) {
  test(`the providerID ${text} names ${id ?? 'no server'}`, () => {
    const verdict = serverOfProviderId(text);
    assert.equal('value' in verdict ? verdict.value : undefined, id);
  });
}
