// Routes on a router of the real Neutron: controllers of two clusters, and an operator, on one router.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Event, resources, type SpiderEndpoint, type SpiderIPPool } from '#api';
import { ControlPlane, eventually } from '../e2e/controller-fixture.ts';
import { Api, environmentOf, makeNetwork } from './scene.ts';

interface Route {
  readonly destination: string;
  readonly nexthop: string;
}

const ANNOTATION = 'openstack.orbweaver.io/router';
/** The first three hops are those of the nodes; the last one is an appliance of the operator. */
const hop = { n1: '10.60.0.11', n2: '10.60.0.12', n3: '10.60.0.13', operator: '10.60.0.99' } as const;
const operators: Route = { destination: '172.20.0.0/16', nexthop: hop.operator };

let api: Api;
let routerId: string;
const one = new ControlPlane(1);
const two = new ControlPlane(2);

before(async () => {
  api = await Api.of();
  const { subnetId } = await makeNetwork(api, 'routed', '10.60.0.0/24');
  routerId = (await api.make('router', { name: 'shared' })).id;
  await api.neutron('PUT', `/routers/${routerId}/add_router_interface`, { subnet_id: subnetId });
  await changeRoutes('add', operators);
  for (const cluster of [one, two]) {
    await cluster.start();
    await start(cluster);
    for (const name of ['n1', 'n2', 'n3'] as const) {
      const status = { addresses: [{ type: 'InternalIP', address: hop[name] }] };
      const made = await cluster.client.create(resources.nodes, { metadata: { name } });
      await cluster.client.updateStatus(resources.nodes, { ...made, status });
    }
  }
});
after(async () => {
  await Promise.all([one.stop(), two.stop()]);
});

async function start(cluster: ControlPlane): Promise<void> {
  await cluster.startReplica('controller', ['--router-routes'], environmentOf());
}

async function changeRoutes(verb: 'add' | 'remove', ...routes: readonly Route[]): Promise<void> {
  await api.neutron('PUT', `/routers/${routerId}/${verb}_extraroutes`, { router: { routes } });
}

async function routesNow(): Promise<string[]> {
  const { router } = await api.neutron<{ router: { routes: Route[] } }>('GET', `/routers/${routerId}`);
  return router.routes.map(({ destination, nexthop }) => `${destination} via ${nexthop}`).sort();
}

/** Waits until the router has the operator's route and these, and no other. */
async function onlyRoutes(...routes: readonly string[]): Promise<void> {
  const wanted = [...routes, `${operators.destination} via ${operators.nexthop}`].sort();
  let seen: string[] = [];
  await eventually(`the router has ${wanted.join(', ')}`, async () => {
    seen = await routesNow();
    return JSON.stringify(seen) === JSON.stringify(wanted) ? true : undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}; it has ${seen.join(', ')}`));
}

async function addPool(cluster: ControlPlane, name: string, spec: object): Promise<SpiderIPPool> {
  const metadata = { name, annotations: { [ANNOTATION]: routerId } };
  return await cluster.client.create(
    resources.spiderIPPools,
    resources.spiderIPPools.schema.parse({ metadata, spec }),
  );
}

async function dropAnnotation(cluster: ControlPlane, name: string): Promise<void> {
  const body = { metadata: { annotations: { [ANNOTATION]: null } } };
  await cluster.client.patch(resources.spiderIPPools, { name }, { type: 'merge', body });
}

/** A pod with an address, as the agent of its node writes it. */
async function place(cluster: ControlPlane, pod: string, node: string, address: string): Promise<void> {
  const current = { uid: pod, node, ips: [{ interface: 'eth0', ipv4: `${address}/16`, vlan: 0 }] };
  const status = { current, ownerControllerType: 'Pod', ownerControllerName: pod };
  const ref = { namespace: 'default', name: pod };
  const object = resources.spiderEndpoints.schema.parse({ metadata: ref, status }) as SpiderEndpoint;
  const found = (await cluster.client.list(resources.spiderEndpoints)).items;
  const before = found.find(({ metadata }) => metadata.name === pod);
  if (before === undefined) await cluster.client.create(resources.spiderEndpoints, object);
  else await cluster.client.update(resources.spiderEndpoints, { ...object, metadata: before.metadata });
}

const remove = (cluster: ControlPlane, pod: string) =>
  cluster.client.delete(resources.spiderEndpoints, { namespace: 'default', name: pod });

async function ledger(cluster: ControlPlane): Promise<Record<string, string>> {
  const ref = { namespace: 'kube-system', name: 'orbweaver-router-routes' };
  return (await cluster.client.get(resources.configMaps, ref)).data ?? {};
}

const shared = (third: number) => ({ subnet: '10.90.0.0/16', ips: [`10.90.${third}.1-10.90.${third}.200`] });

describe('a router with an operator and two clusters', () => {
  test('gets the networks of a pool of one node, and the addresses of pods of any other', async () => {
    const block = { subnet: '10.91.0.0/16', ips: ['10.91.1.0-10.91.1.255'], nodeName: ['n1'] };
    await addPool(one, 'block', block);
    await addPool(one, 'shared', shared(1));
    await place(one, 'a', 'n1', '10.90.1.5');
    await place(one, 'b', 'n2', '10.90.1.6');
    await onlyRoutes(
      `10.91.1.0/24 via ${hop.n1}`,
      `10.90.1.5/32 via ${hop.n1}`,
      `10.90.1.6/32 via ${hop.n2}`,
    );
  });

  test('has one route of a pod that moved to another node', async () => {
    await place(one, 'a', 'n3', '10.90.1.5');
    await onlyRoutes(
      `10.91.1.0/24 via ${hop.n1}`,
      `10.90.1.5/32 via ${hop.n3}`,
      `10.90.1.6/32 via ${hop.n2}`,
    );
  });

  test('keeps the routes of the other cluster when one takes its own away', async () => {
    await addPool(two, 'shared', shared(2));
    await place(two, 'c', 'n2', '10.90.2.5');
    const others = `10.90.2.5/32 via ${hop.n2}`;
    await onlyRoutes(
      `10.91.1.0/24 via ${hop.n1}`,
      `10.90.1.5/32 via ${hop.n3}`,
      `10.90.1.6/32 via ${hop.n2}`,
      others,
    );
    await dropAnnotation(one, 'block');
    await remove(one, 'a');
    await onlyRoutes(`10.90.1.6/32 via ${hop.n2}`, others);
    // The operator makes the very route that the pod needs next: it is never ours.
    await changeRoutes('add', { destination: '10.90.1.7/32', nexthop: hop.n1 });
    await place(one, 'd', 'n1', '10.90.1.7');
    await place(one, 'e', 'n1', '10.90.1.8');
    const mine = [`10.90.1.6/32 via ${hop.n2}`, `10.90.1.8/32 via ${hop.n1}`, others];
    await onlyRoutes(...mine, `10.90.1.7/32 via ${hop.n1}`);
    await remove(one, 'd');
    await remove(one, 'e');
    await onlyRoutes(`10.90.1.6/32 via ${hop.n2}`, `10.90.1.7/32 via ${hop.n1}`, others);
    await changeRoutes('remove', { destination: '10.90.1.7/32', nexthop: hop.n1 });
  });

  test('gets the routes of all nodes but one whose route it refuses, and the pool says which', async () => {
    // Neutron refuses the address of the router itself as a hop.
    const status = { addresses: [{ type: 'InternalIP', address: '10.60.0.1' }] };
    const made = await one.client.create(resources.nodes, { metadata: { name: 'wrong' } });
    await one.client.updateStatus(resources.nodes, { ...made, status });
    await place(one, 'w', 'wrong', '10.90.1.20');
    await place(one, 'x', 'n1', '10.90.1.21');
    const others = [`10.90.1.6/32 via ${hop.n2}`, `10.90.2.5/32 via ${hop.n2}`];
    await onlyRoutes(...others, `10.90.1.21/32 via ${hop.n1}`);
    await eventually('an Event says it', async () => {
      const { items } = await one.client.list<Event>(resources.events);
      const said = items.map(({ message }) => message ?? '');
      return said.find((text) =>
        /10\.90\.1\.20\/32 via 10\.60\.0\.1 is refused: Neutron answered 400/.test(text),
      );
    });
    for (const pod of ['w', 'x']) await remove(one, pod);
    await onlyRoutes(...others);
  });

  test('has what is wished after its controller was killed again and again', async () => {
    const restarts = 6;
    for (let round = 0; round < restarts; round += 1) {
      await place(one, 'b', ['n1', 'n2', 'n3'][round % 3] ?? '', '10.90.1.6');
      await place(one, `k${round}`, 'n1', `10.90.1.${100 + round}`);
      // Between the first call and the last one: a look takes about a second.
      await new Promise((resolve) => setTimeout(resolve, 300 + 250 * round));
      await one.replica('controller').stop('SIGKILL');
      // Somebody removed a route of ours while nobody looked.
      if (round === 2) await changeRoutes('remove', { destination: '10.90.1.100/32', nexthop: hop.n1 });
      if (round % 2 === 1) await remove(one, `k${round}`);
      await start(one);
    }
    await onlyRoutes(
      `10.90.1.6/32 via ${hop.n3}`,
      ...[100, 102, 104].map((last) => `10.90.1.${last}/32 via ${hop.n1}`),
      `10.90.2.5/32 via ${hop.n2}`,
    );
  });

  test('is filled to its limit of 30, and the pool says which route does not fit', async () => {
    for (let i = 0; i < 32; i += 1) await place(two, `f${i}`, 'n1', `10.90.2.${100 + i}`);
    await eventually('30 routes', async () => ((await routesNow()).length === 30 ? true : undefined));
    const said = await eventually('an Event says it', async () => {
      const { items } = await two.client.list<Event>(resources.events);
      return items.find(({ reason }) => reason === 'RoutesMissing')?.message ?? undefined;
    });
    assert.match(
      said,
      /^router \S+: 10\.90\.2\.\d+\/32 via 10\.60\.0\.11 does not fit: the router may have 30 routes/,
    );
    for (let i = 0; i < 32; i += 1) await remove(two, `f${i}`);
  });

  test('has the routes of others alone when no pool names it, and the ledgers are empty', async () => {
    for (const cluster of [one, two]) await dropAnnotation(cluster, 'shared');
    await onlyRoutes();
    for (const cluster of [one, two])
      await eventually('the ledger is empty', async () =>
        Object.keys(await ledger(cluster)).length === 0 ? true : undefined,
      );
  });
});
