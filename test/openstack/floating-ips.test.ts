// Floating IPs of the real Neutron, by annotations of pods.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Event, type Pod, resources } from '#api';
import { ControlPlane, eventually } from '../e2e/controller-fixture.ts';
import { Api, client, environmentOf, isLong, makeNetwork, type PortObject } from './scene.ts';
import { admin } from './servers/place.ts';

interface Floating {
  readonly id: string;
  readonly floating_network_id: string;
  readonly floating_ip_address: string;
  readonly fixed_ip_address: string | null;
  readonly port_id: string | null;
}

const ANNOTATION = 'openstack.orbweaver.io/floating-ip';
let api: Api;
let outerId: string;
let networkId: string;
let administrator: Api;
let port: PortObject;
let floating: Floating;
const cluster = new ControlPlane(3);

before(async () => {
  api = await Api.of();
  administrator = await Api.of(admin);
  const outer = await administrator.make('network', { name: 'outer', 'router:external': true });
  outerId = outer.id;
  await administrator.make('subnet', {
    network_id: outerId,
    cidr: '203.0.113.0/24',
    ip_version: 4,
    enable_dhcp: false,
  });
  const inner = await makeNetwork(api, 'floating', '10.70.0.0/24');
  networkId = inner.networkId;
  const { subnetId } = inner;
  const router = await api.make('router', {
    name: 'floating',
    external_gateway_info: { network_id: outerId },
  });
  await api.neutron('PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnetId });
  const fixed_ips = ['10.70.0.5', '10.70.0.7', '10.70.0.8'].map((ip_address) => ({
    subnet_id: subnetId,
    ip_address,
  }));
  port = await api.make<PortObject>('port', { network_id: networkId, fixed_ips });
  const serverId = await api.makeServer('floating', port.id);
  floating = await api.make<Floating>('floatingip', { floating_network_id: outerId });
  await cluster.start();
  await start();
  const spec = { providerID: `openstack:///${serverId}` };
  const made = await cluster.client.create(resources.nodes, { metadata: { name: 'n1' }, spec });
  const status = { addresses: [{ type: 'InternalIP', address: '10.70.0.5' }] };
  await cluster.client.updateStatus(resources.nodes, { ...made, status });
});
after(() => cluster.stop());

async function start(name = 'controller'): Promise<void> {
  await cluster.startReplica(name, ['--floating-ips'], environmentOf());
}

async function addPod(name: string, ip: string, wish: string): Promise<void> {
  const metadata = { name, namespace: 'default', annotations: { [ANNOTATION]: wish } };
  const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] };
  const pod = await cluster.client.create(
    resources.pods,
    resources.pods.schema.parse({ metadata, spec }) as Pod,
  );
  const status = { phase: 'Running' as const, podIP: ip, podIPs: [{ ip }] };
  await cluster.client.updateStatus(resources.pods, { ...pod, status });
}

async function wish(name: string, value: string): Promise<void> {
  const body = { metadata: { annotations: { [ANNOTATION]: value } } };
  await cluster.client.patch(resources.pods, { name, namespace: 'default' }, { type: 'merge', body });
}

/** Writes entries of the controller's ledger, as a user may; null removes one. */
async function edit(data: Readonly<Record<string, string | null>>): Promise<void> {
  const ref = { name: 'orbweaver-floating-ips', namespace: 'kube-system' };
  await cluster.client.patch(resources.configMaps, ref, { type: 'merge', body: { data } });
}

const removePod = (name: string) =>
  cluster.client.delete(resources.pods, { name, namespace: 'default' }, { gracePeriodSeconds: 0 });

/** The operator leads the floating IP of the test to an address. */
const lead = (address: string | null) =>
  api.neutron('PUT', `/floatingips/${floating.id}`, {
    floatingip: address === null ? { port_id: null } : { port_id: port.id, fixed_ip_address: address },
  });

async function all(): Promise<Floating[]> {
  return (await api.neutron<{ floatingips: Floating[] }>('GET', '/floatingips')).floatingips;
}

/** Where each floating IP leads, by its address; the one that the test made is `ours`. */
async function leads(): Promise<string[]> {
  return (await all())
    .map(({ id, fixed_ip_address }) => `${id === floating.id ? 'ours' : 'made'} ${fixed_ip_address}`)
    .sort();
}

async function untilLeads(...wanted: readonly string[]): Promise<void> {
  let seen: string[] = [];
  await eventually(`floating IPs are ${wanted.join(', ')}`, async () => {
    seen = await leads();
    return JSON.stringify(seen) === JSON.stringify(wanted) ? true : undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}; they are ${seen.join(', ')}`));
}

/** Waits for an Event of the pod that says it. */
async function saysOf(pod: string, pattern: RegExp): Promise<void> {
  const said = new Set<string>();
  await eventually(`an Event of ${pod} says ${pattern}`, async () => {
    const { items } = await cluster.client.list<Event>(resources.events);
    for (const { involvedObject, reason, message } of items)
      if (involvedObject.name === pod) said.add(`${reason}: ${message}`);
    return [...said].some((text) => pattern.test(text)) ? true : undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}; they say ${[...said].join('; ')}`));
}

describe('a floating IP', () => {
  test('leads to the pod that names it, and nowhere when the pod is gone', async () => {
    await addPod('a', '10.70.0.7', floating.floating_ip_address);
    await untilLeads('ours 10.70.0.7');
    await saysOf('a', /^FloatingIpAssociated: floating IP 203\.0\.113\.\d+ leads to 10\.70\.0\.7$/);
    await addPod('second', '10.70.0.8', floating.floating_ip_address);
    await saysOf('second', /^FloatingIpMissing: .*is that of pod default\/a$/);
    await removePod('second');
    await removePod('a');
    await untilLeads('ours null');
  });

  test('that leads elsewhere is not taken, and one that somebody led elsewhere meanwhile stays there', async () => {
    await lead('10.70.0.8');
    await addPod('b', '10.70.0.7', floating.floating_ip_address);
    await saysOf('b', /^FloatingIpMissing: .*leads to 10\.70\.0\.8 of port \S+, and not by us$/);
    await lead(null);
    await untilLeads('ours 10.70.0.7');
    await lead('10.70.0.8');
    await removePod('b');
    const ledger = { name: 'orbweaver-floating-ips', namespace: 'kube-system' };
    await eventually('the ledger is empty', async () => {
      const { data } = await cluster.client.get(resources.configMaps, ledger);
      return Object.keys(data ?? {}).length === 0 ? true : undefined;
    });
    assert.deepEqual(await leads(), ['ours 10.70.0.8']);
    await lead(null);
  });

  test('is made for a pod that names a network, and deleted with it, also if the controller was away', async () => {
    await addPod('c', '10.70.0.7', outerId);
    await addPod('d', '10.70.0.8', outerId);
    await untilLeads('made 10.70.0.7', 'made 10.70.0.8', 'ours null');
    await cluster.replica('controller').stop('SIGKILL');
    await removePod('c');
    await start();
    await untilLeads('made 10.70.0.8', 'ours null');
    await removePod('d');
    await untilLeads('ours null');
  });

  test('is made once, whenever the controller is killed', async () => {
    for (const waitMs of isLong ? [150, 300, 450, 600, 800, 1000] : [200, 600]) {
      await addPod('k', '10.70.0.7', outerId);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await cluster.replica('controller').stop('SIGKILL');
      await start();
      await untilLeads('made 10.70.0.7', 'ours null');
      await removePod('k');
      await untilLeads('ours null');
    }
  });

  test('is missing, with the reason, where the pod has no address on a port of its VM', async () => {
    await addPod('far', '10.71.0.7', outerId);
    await saysOf('far', /^FloatingIpMissing: .*no address of the pod is on a port of its VM/);
    await addPod('host', '10.70.0.5', outerId);
    await saysOf('host', /^FloatingIpMissing: .*no address of the pod is on a port of its VM/);
    await addPod('nonsense', '10.70.0.7', 'fd00::1');
    await saysOf('nonsense', /^FloatingIpMissing: .*allowed are an IPv4 address/);
    assert.deepEqual(await leads(), ['ours null']);
  });

  test('that somebody leads elsewhere while its pod lives is not taken back', async () => {
    await addPod('robbed', '10.70.0.7', floating.floating_ip_address);
    await untilLeads('ours 10.70.0.7');
    await lead('10.70.0.8');
    // The pod changes, and is looked at again.
    await wish('robbed', ` ${floating.floating_ip_address}`);
    await saysOf('robbed', /^FloatingIpMissing: .*leads to 10\.70\.0\.8 of port \S+, and not by us$/);
    assert.deepEqual(await leads(), ['ours 10.70.0.8']);
    await removePod('robbed');
    await lead(null);
  });

  test('of another project is not taken, also by the login of an administrator', async () => {
    const foreign = await administrator.make<Floating>('floatingip', { floating_network_id: outerId });
    await addPod('thief', '10.70.0.7', foreign.floating_ip_address);
    await saysOf('thief', /^FloatingIpMissing: the project has no floating IP 203\.0\.113\.\d+$/);
    await removePod('thief');
    const cloud = client(environmentOf(admin));
    const address = { floating_ip_address: floating.floating_ip_address };
    assert.deepEqual(await cloud.neutron.floatingIps(address), []);
    cloud.close();
    await administrator.neutron('DELETE', `/floatingips/${foreign.id}`);
  });

  test('that Neutron refuses is missing, in its words', async () => {
    await addPod('inner', '10.70.0.7', networkId);
    await saysOf('inner', /^FloatingIpMissing: Neutron answered 400 to make a floating IP in network/);
    await addPod('nowhere', '10.70.0.8', 'there-is-no-such-network');
    await saysOf('nowhere', /^FloatingIpMissing: Neutron answered 4\d\d to make a floating IP in network/);
    await addPod('huge', '10.70.0.8', 'x'.repeat(200_000));
    await saysOf('huge', /^FloatingIpMissing: .*allowed are an IPv4 address/);
    for (const name of ['inner', 'nowhere', 'huge']) await removePod(name);
    assert.deepEqual(await leads(), ['ours null']);
  });

  test('of another network takes the place of the first one', async () => {
    const second = await administrator.make('network', { name: 'outer-2', 'router:external': true });
    const fields = { network_id: second.id, cidr: '198.51.101.0/24', ip_version: 4, enable_dhcp: false };
    await administrator.make('subnet', fields);
    await addPod('changes', '10.70.0.7', outerId);
    await untilLeads('made 10.70.0.7', 'ours null');
    await wish('changes', second.id);
    // No router connects the pod with that network.
    await saysOf('changes', /^FloatingIpMissing: Neutron answered 4\d\d to associate floating IP/);
    assert.deepEqual(await leads(), ['made null', 'ours null']);
    const networks = (await all()).map(({ floating_network_id }) => floating_network_id);
    assert.ok(networks.includes(second.id));
    await wish('changes', floating.floating_ip_address);
    await untilLeads('ours 10.70.0.7');
    await wish('changes', outerId);
    await untilLeads('made 10.70.0.7', 'ours null');
    await removePod('changes');
    await untilLeads('ours null');
  });

  test('comes and goes though somebody has damaged an entry of the ledger', async () => {
    await edit({ damaged: 'no JSON', foreign: '{"pod":7}' });
    await addPod('goes-on', '10.70.0.7', outerId);
    await untilLeads('made 10.70.0.7', 'ours null');
    await cluster.replica('controller').stop('SIGKILL');
    await removePod('goes-on');
    await start();
    await untilLeads('ours null');
    await edit({ damaged: null, foreign: null });
  });

  test('is made once by two replicas, also where the leader stands still and goes on later', async () => {
    await start('second');
    for (const waitMs of [100, 350, 600]) {
      const leader = await eventually('a replica leads', () => cluster.leader());
      await addPod('paused', '10.70.0.7', outerId);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      const { pid } = cluster.replica(leader);
      assert.ok(pid !== undefined);
      process.kill(pid, 'SIGSTOP');
      await eventually('the other one leads', async () =>
        [undefined, leader].includes(await cluster.leader()) ? undefined : true,
      );
      process.kill(pid, 'SIGCONT');
      await untilLeads('made 10.70.0.7', 'ours null');
      await removePod('paused');
      await untilLeads('ours null');
      if (cluster.replica(leader).pid === undefined) await start(leader);
    }
  });
});
