// `orbctl openstack sweep` with the real Neutron: two clusters and an operator in one project, and what leaves with one.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { resources } from '#api';
import { ControlPlane } from '../e2e/controller-fixture.ts';
import { Api, makeNetwork, type PortObject } from './scene.ts';
import { admin } from './servers/place.ts';
import { sweepOf } from './sweep-run.ts';

interface Floating {
  readonly id: string;
  readonly fixed_ip_address: string | null;
}

const namespace = 'kube-system';
const hop = '10.75.0.5';
const route = (third: number) => ({ destination: `10.${third}.0.0/24`, nexthop: hop });

let api: Api;
let routerId: string;
let port: PortObject;
let floating: { readonly led: Floating; readonly made: Floating; readonly operators: Floating };
const one = new ControlPlane(4);
const two = new ControlPlane(5);

before(async () => {
  api = await Api.of();
  const operator = await Api.of(admin);
  const outer = await operator.make('network', { name: 'outer-sweep', 'router:external': true });
  await operator.make('subnet', {
    ...{ network_id: outer.id, cidr: '203.0.114.0/24', ip_version: 4, enable_dhcp: false },
  });
  const { networkId, subnetId } = await makeNetwork(api, 'swept', '10.75.0.0/24');
  const external_gateway_info = { network_id: outer.id };
  routerId = (await api.make('router', { name: 'swept', external_gateway_info })).id;
  await api.neutron('PUT', `/routers/${routerId}/add_router_interface`, { subnet_id: subnetId });
  const routes = [route(101), route(102), route(103)];
  await api.neutron('PUT', `/routers/${routerId}/add_extraroutes`, { router: { routes } });
  const fixed_ips = [hop, '10.75.0.7', '10.75.0.8', '10.75.0.9'].map((ip_address) => ({
    subnet_id: subnetId,
    ip_address,
  }));
  port = await api.make<PortObject>('port', { network_id: networkId, fixed_ips });
  const lead = (fixed_ip_address: string) =>
    api.make<Floating>('floatingip', {
      ...{ floating_network_id: outer.id, port_id: port.id, fixed_ip_address },
    });
  floating = {
    ...{ led: await lead('10.75.0.7'), made: await lead('10.75.0.8') },
    operators: await lead('10.75.0.9'),
  };
  for (const cluster of [one, two]) await cluster.start();
  await ledger(one, 'orbweaver-router-routes', { [routerId]: [route(101), route(150)], gone: [route(101)] });
  await ledger(two, 'orbweaver-router-routes', { [routerId]: [route(102)] });
  const entry = (isMade: boolean, { id, fixed_ip_address }: Floating) => ({
    ...{ pod: 'default/a', isMade, floatingIpId: id, portId: port.id, address: fixed_ip_address },
  });
  await ledger(one, 'orbweaver-floating-ips', {
    ...{ 'uid-led': entry(false, floating.led), 'uid-made': entry(true, floating.made) },
  });
});
after(async () => {
  await Promise.all([one.stop(), two.stop()]);
});

async function ledger(cluster: ControlPlane, name: string, entries: Readonly<Record<string, unknown>>) {
  const data = Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [key, JSON.stringify(value)]),
  );
  await cluster.client.create(resources.configMaps, { metadata: { name, namespace }, data });
}

async function keysOf(cluster: ControlPlane): Promise<string[]> {
  const { items } = await cluster.client.list(resources.configMaps, { namespace });
  const ours = items.filter(({ metadata }) => metadata.name?.startsWith('orbweaver-') === true);
  return ours.flatMap(({ data }) => Object.keys(data ?? {})).sort();
}

const orbctl = (...words: readonly string[]) => sweepOf(one, ...words);

async function destinations(): Promise<string[]> {
  const { router } = await api.neutron<{ router: { routes: { destination: string }[] } }>(
    'GET',
    `/routers/${routerId}`,
  );
  return router.routes.map(({ destination }) => destination).sort();
}

async function leads(): Promise<Record<string, string | null>> {
  const { floatingips } = await api.neutron<{ floatingips: Floating[] }>('GET', '/floatingips');
  // Other tests have floating IPs too.
  const own = floatingips.filter((one) => Object.values(floating).some(({ id }) => id === one.id));
  return Object.fromEntries(own.map(({ id, fixed_ip_address }) => [id, fixed_ip_address]));
}

test('without --apply nothing changes', async () => {
  const before = await leads();
  const { code, said } = await orbctl();
  assert.equal(code, 1, said);
  assert.equal(said.match(/^would be removed: /gm)?.length, 4, said);
  assert.deepEqual(
    await destinations(),
    [101, 102, 103].map((third) => `10.${third}.0.0/24`),
  );
  assert.deepEqual(await leads(), before);
});

test('what the cluster has leaves the cloud, also beside what fails; the other cluster and the operator keep theirs', async () => {
  const { code, said } = await orbctl('--apply');
  assert.equal(code, 1, said);
  assert.match(said, /not removed: 1 route of router gone: .*Neutron does not show router gone/);
  assert.deepEqual(
    await destinations(),
    [102, 103].map((third) => `10.${third}.0.0/24`),
  );
  assert.deepEqual(await leads(), { [floating.led.id]: null, [floating.operators.id]: '10.75.0.9' });
  assert.deepEqual(await keysOf(one), ['gone']);
  assert.deepEqual(await keysOf(two), [routerId]);
});

test('what is gone is forgotten when the user says so', async () => {
  const { code, said } = await orbctl('--apply', '--forget');
  assert.equal(code, 0, said);
  assert.deepEqual(await keysOf(one), []);
  assert.match((await orbctl()).said, /this cluster has nothing in the cloud/);
});
