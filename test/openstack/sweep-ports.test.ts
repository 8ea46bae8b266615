// What nodes have in the real Neutron for pods, and how it leaves: with the node's own ledger, and without any.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type NeutronMode, resources } from '#api';
import { silentLogger, systemClock } from '#base';
import type { CloudClient } from '#openstack';
import { clearLedgers, LedgerFile } from '#openstack/own-port';
import { ledgerName, OWN_PORT_OWNER } from '#plan/openstack';
import { ControlPlane } from '../e2e/controller-fixture.ts';
import { addressesOf } from './keepers.ts';
import { Api, client, makeNetwork, type PortObject } from './scene.ts';
import { sweepOf } from './sweep-run.ts';

interface VmPort extends PortObject {
  readonly description: string;
  readonly allowed_address_pairs: readonly { readonly ip_address: string }[];
}

let api: Api;
let cloud: CloudClient;
let folder: string;
let networkId: string;
let subnetId: string;
let port: VmPort;

before(async () => {
  api = await Api.of();
  cloud = client();
  folder = mkdtempSync(join(tmpdir(), 'orbweaver-sweep-'));
  ({ networkId, subnetId } = await makeNetwork(api, 'cleared', '10.76.0.0/24'));
});
after(() => {
  cloud.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  const allowed_address_pairs = [{ ip_address: '10.99.0.7' }];
  port = await api.make('port', { network_id: networkId, description: 'mine', allowed_address_pairs });
});

const node = () => mkdtempSync(join(folder, 'node-'));
const vmPort = async () => (await api.neutron<{ port: VmPort }>('GET', `/ports/${port.id}`)).port;

async function ownPorts(): Promise<readonly PortObject[]> {
  const query = `network_id=${networkId}&device_owner=${OWN_PORT_OWNER}`;
  return (await api.neutron<{ ports: readonly PortObject[] }>('GET', `/ports?${query}`)).ports;
}

/** Takes addresses for pods, of which one is ready and nobody's. */
async function fill(mode: NeutronMode, place: string, cluster = 'a-uid'): Promise<string[]> {
  const file = new LedgerFile(place, ledgerName(mode, { portId: port.id, networkId }), systemClock);
  const warm = { low: 1, high: 1 };
  const origin = { node: 'node1', cluster };
  const neutron = cloud.neutron;
  const parts = { mode, networkId, portId: port.id, nodeAddresses: [], warm, file, neutron, origin };
  const addresses = addressesOf(parts);
  const taken = [await addresses.take('first', subnetId), await addresses.take('second', subnetId)];
  await addresses.tend([subnetId]);
  return taken;
}

describe('the end of the ledgers of a node', () => {
  for (const mode of ['fixed-ips', 'address-pairs', 'port'] as const) {
    test(`in mode ${mode} takes back what it has, and leaves what others have`, async () => {
      const foreign = await fill('port', node());
      const before = await vmPort();
      const place = node();
      await fill(mode, place);
      assert.notDeepEqual([await vmPort(), (await ownPorts()).length], [before, 3]);
      const parts = { neutron: () => cloud.neutron, clock: systemClock, log: silentLogger };
      await clearLedgers(place, parts);
      const { fixed_ips, description, allowed_address_pairs: pairs } = await vmPort();
      assert.deepEqual(
        [fixed_ips, description, pairs],
        [before.fixed_ips, 'mine', before.allowed_address_pairs],
      );
      const left = (await ownPorts()).map(({ fixed_ips: [own] }) => own?.ip_address);
      assert.ok(foreign.every((address) => left.includes(address)));
      for (const { id } of await ownPorts()) await api.neutron('DELETE', `/ports/${id}`);
      await clearLedgers(place, parts);
    });
  }
});

test('orbctl openstack sweep deletes ports of the cluster that no ledger and no pod has', async () => {
  const cluster = new ControlPlane(6);
  await cluster.start();
  try {
    const { client: kube } = cluster;
    const { metadata } = await kube.get(resources.namespaces, { name: 'kube-system' });
    const [held = '', lost = ''] = await fill('port', node(), metadata.uid);
    const [foreign = ''] = await fill('port', node(), 'another-cluster');
    const pod = {
      metadata: { name: 'web', namespace: 'default' },
      spec: { nodeName: 'n', containers: [{ name: 'web', image: 'web' }] },
    };
    const made = await kube.create(resources.pods, resources.pods.schema.parse(pod));
    await kube.updateStatus(resources.pods, {
      ...made,
      status: { phase: 'Running', podIPs: [{ ip: held }] },
    });
    const dry = await sweepOf(cluster);
    assert.equal(dry.code, 1, dry.said);
    assert.match(dry.said, new RegExp(`would be removed: port .* reserved ${lost} for a pod`));
    const before = (await ownPorts()).length;
    const { code, said } = await sweepOf(cluster, '--apply');
    assert.equal(code, 1, said);
    const left = (await ownPorts()).map(({ fixed_ips: [own] }) => own?.ip_address);
    assert.ok(left.includes(held) && left.includes(foreign) && !left.includes(lost), said);
    // Also the one that was ready.
    assert.equal(left.length, before - 2);
    assert.match(said, /stays: pod default\/web has its address/);
  } finally {
    await cluster.stop();
  }
});
