// The port that a node remembers for its NIC: believed until the next boot, for the same MAC address, and with Neutron's word.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { isOrbError } from '#base';
import { Connections } from '#http';
import { readRecord, writeRecord } from '#kernel';
import { type CloudClient, metadataDocument } from '#openstack';
import { knownIdentity } from '#openstack/own-port';
import { Api, client, makeNetwork, metadataFor, type PortObject } from './scene.ts';

let api: Api;
let cloud: CloudClient;
let metadata: { readonly url: URL; readonly server: Server };
const connections = new Connections();
const all = mkdtempSync(join(tmpdir(), 'orbweaver-known-'));
let folder: string;
/** The node's port, and that of a VM with the same MAC address: only the metadata service tells them apart. */
let own: PortObject;
let other: PortObject;
/** The ports that Neutron was asked for by their id. */
let asked: string[] = [];

async function makeVm(name: string, fields: Readonly<Record<string, unknown>> = {}) {
  const { networkId } = await makeNetwork(api, name, '10.31.0.0/24');
  const port = await api.make<PortObject>('port', { network_id: networkId, ...fields });
  return { port, serverId: await api.makeServer(name, port.id) };
}

before(async () => {
  api = await Api.of();
  cloud = client();
  const node = await makeVm('remembers');
  own = node.port;
  metadata = await metadataFor(node.serverId, api.projectId);
  other = (await makeVm('same-mac', { mac_address: own.mac_address })).port;
});
beforeEach(() => {
  folder = mkdtempSync(join(all, 'node-'));
});
after(() => {
  metadata.server.close();
  connections.close();
  cloud.close();
  rmSync(all, { recursive: true });
});

const path = () => join(folder, 'eth0.nic.json');

async function portOf(mac = own.mac_address): Promise<string> {
  asked = [];
  const addresses = own.fixed_ips.map(({ ip_address }) => ip_address);
  const nic = {
    identity: { name: 'eth0', mac, addresses, macsOfNode: [mac] },
    mtuBytes: 1500,
    addresses: [],
  };
  const neutron: Pick<CloudClient['neutron'], 'port' | 'ports'> = {
    port: (id, ...words) => {
      asked.push(id);
      return cloud.neutron.port(id, ...words);
    },
    ports: (...words) => cloud.neutron.ports(...words),
  };
  const sources = {
    neutron,
    metadata: () => metadataDocument(connections, metadata.url),
    configDrive: undefined,
  };
  return (await knownIdentity(folder, nic, {}, sources)).portId;
}

/** What the node remembers, with a change that somebody, or another boot, has made. */
async function change(fields: Readonly<Record<string, string>>): Promise<void> {
  await portOf();
  await writeRecord(path(), { ...((await readRecord(path())) as object), ...fields });
}

test('a port that was found since the boot is asked for first, and believed if Neutron agrees', async () => {
  assert.equal(await portOf(), own.id);
  // Neutron says that it has the NIC's MAC address, and that it belongs to a VM.
  await change({ portId: other.id });
  assert.equal(await portOf(), other.id);
  assert.deepEqual(asked, [other.id]);
});

test('a port that was found before the boot is not believed, as on a disk that was copied', async () => {
  await change({ boot: '00000000-0000-4000-8000-000000000000', portId: other.id });
  assert.equal(await portOf(), own.id);
  assert.deepEqual(asked, [own.id]);
  assert.equal(await portOf(), own.id, 'what was found is remembered instead');
});

test('a port that was found for another MAC address is not believed, as where a NIC was exchanged', async () => {
  await change({ mac: '02:00:00:00:00:01', portId: other.id });
  assert.equal(await portOf(), own.id);
  assert.deepEqual(asked, [own.id]);
});

test('a port that Neutron does not have any more is looked for again', async () => {
  const gone = await makeVm('gone');
  await api.neutron('DELETE', `/ports/${gone.port.id}`);
  await change({ portId: gone.port.id });
  assert.equal(await portOf(), own.id);
});

test('a port whose record has another MAC address is not believed, and no other is guessed', async () => {
  await portOf();
  await assert.rejects(portOf('02:00:00:00:00:02'), (error) => isOrbError(error, 'OPENSTACK_NODE_UNKNOWN'));
});

test('a damaged file is as none', async () => {
  await portOf();
  writeFileSync(path(), readFileSync(path(), 'utf8').replace(own.id, other.id));
  assert.equal(await portOf(), own.id);
});
