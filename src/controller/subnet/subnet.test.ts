// What becomes of subnets, pools and the applications that ask for them.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { resources, SPIDERPOOL_FINALIZER } from '#api';
import { systemClock } from '#base';
import { FakeClock } from '#base/testing';
import { ETH0, fromSubnet, Stage } from './subnet-fixture.ts';

let stage = new Stage();
beforeEach(async () => {
  stage = new Stage();
  await stage.subnet('s');
  await stage.start();
});
afterEach(() => stage.stop());

const ready = async (
  get: () => Promise<
    | { status?: { conditions?: { type: string; message?: string | undefined }[] | undefined } | undefined }
    | undefined
  >,
) => (await get())?.status?.conditions?.find(({ type }) => type === 'Ready')?.message;

test('an application gets its pool, which follows the number of pods, and goes with it', async () => {
  await stage.until(() => stage.sizes(), 'none; 0 of 10');
  await stage.deployment(fromSubnet('s'), 2);
  await stage.until(() => stage.sizes(), '10.6.0.10-10.6.0.12; 3 of 10');
  await stage.scale(3);
  await stage.until(() => stage.sizes(), '10.6.0.10-10.6.0.13; 4 of 10');
  await stage.scale(1);
  await stage.until(() => stage.sizes(), '10.6.0.10-10.6.0.11; 2 of 10');
  await stage.kube.delete(resources.deployments, { namespace: 'default', name: 'app' });
  await stage.until(() => stage.sizes(), 'none; 0 of 10');
});

for (const [what, settings, expected] of [
  ['makes no automatic pool where they are switched off', { enabled: false }, 'none; 1 of 10'],
  ['adds the spare addresses of the configuration', { spareAddresses: 3 }, '10.6.0.10-10.6.0.14; 6 of 10'],
] as const) {
  test(`the controller ${what}, and keeps the pools of users`, async () => {
    await stage.stop();
    stage = new Stage(systemClock, settings);
    await stage.subnet('s');
    await stage.deployment({ 'ipam.spidernet.io/subnet': '{"ipv4":["s"]}' }, 2);
    await stage.start();
    const spec = { subnet: '10.6.0.0/16', ips: ['10.6.0.19'], default: false, disable: false };
    await stage.kube.create(resources.spiderIPPools, { metadata: { name: 'mine' }, spec });
    await stage.until(() => stage.sizes(), expected);
  });
}

test('a pool of a deleted application waits for its last pod, and its condition names the pod', async () => {
  await stage.deployment(fromSubnet('s'), 1);
  await stage.until(() => stage.sizes(), '10.6.0.10-10.6.0.11; 2 of 10');
  await stage.hold(ETH0, { '10.6.0.10': { pod: 'default/a', podUid: 'a' } });
  await stage.kube.delete(resources.deployments, { namespace: 'default', name: 'app' });
  const message = 'it is deleted when no pod holds an address of it: default/a (10.6.0.10)';
  await stage.until(() => ready(() => stage.pool()), message);
  await stage.hold(ETH0, {});
  await stage.until(() => stage.sizes(), 'none; 0 of 10');
});

test('a kept pool stays when its application goes', async () => {
  await stage.deployment(fromSubnet('s', { 'ipam.spidernet.io/ippool-reclaim': 'false' }), 1);
  await stage.until(() => stage.sizes(), '10.6.0.10-10.6.0.11; 2 of 10');
  await stage.kube.delete(resources.deployments, { namespace: 'default', name: 'app' });
  await stage.subnet('other', '10.7');
  await stage.until(() => stage.sizes('none', 'other'), 'none; 0 of 10');
  assert.equal(await stage.sizes(), '10.6.0.10-10.6.0.11; 2 of 10');
});

test('another subnet in the annotation of a living application: a new pool at once, and the old one goes', async () => {
  await stage.subnet('t', '10.7');
  await stage.deployment(fromSubnet('s'), 1);
  await stage.until(() => stage.sizes(), '10.6.0.10-10.6.0.11; 2 of 10');
  await stage.change({ template: { metadata: { annotations: fromSubnet('t') } } });
  await stage.until(() => stage.sizes(`${ETH0}-2`, 't'), '10.7.0.10-10.7.0.11; 2 of 10');
  await stage.until(() => stage.sizes(), 'none; 0 of 10');
});

test('a subnet that is too small is told once, and the application gets its pool when the subnet grows', async () => {
  await stage.deployment(fromSubnet('s'), 11);
  const told = async () => {
    const { items } = await stage.kube.list(resources.events);
    return items.map(
      ({ reason, involvedObject }) => `${reason} ${involvedObject.kind} ${involvedObject.name}`,
    );
  };
  await stage.until(told, ['SubnetExhausted Deployment app']);
  const ips = ['10.6.0.10-10.6.0.21'];
  await stage.kube.patch(
    resources.spiderSubnets,
    { name: 's' },
    { type: 'merge', body: { metadata: { generation: 2 }, spec: { ips } } },
  );
  await stage.until(() => stage.sizes(), '10.6.0.10-10.6.0.21; 12 of 12');
  assert.deepEqual(await told(), ['SubnetExhausted Deployment app']);
});

test('pools follow who makes addresses ready, which a subnet may say without another generation', async () => {
  await stage.deployment(fromSubnet('s'), 1);
  await stage.until(() => stage.sizes(), '10.6.0.10-10.6.0.11; 2 of 10');
  for (const network of ['one', 'two']) {
    const annotations = {
      'ipam.spidernet.io/iaas-provider': 'neutron',
      'openstack.orbweaver.io/network': network,
    };
    const patch = { type: 'merge', body: { metadata: { annotations } } } as const;
    await stage.kube.patch(resources.spiderSubnets, { name: 's' }, patch);
    const followed = async () => {
      const pool = await stage.pool();
      return Object.keys(annotations).map((key) => pool?.metadata.annotations?.[key]);
    };
    await stage.until(followed, ['neutron', network]);
  }
});

test('annotations that make no sense are told, and change nothing', async () => {
  await stage.deployment({ 'ipam.spidernet.io/subnet': '{}' }, 1);
  const told = async () => (await stage.kube.list(resources.events)).items.map(({ reason }) => reason);
  await stage.until(told, ['SubnetAnnotationInvalid']);
  assert.equal(await stage.sizes(), 'none; 0 of 10');
});

test('the pool of a user has counts, our finalizer and its subnet right away, and the subnet has its booking', async () => {
  const metadata = { name: 'mine', finalizers: ['example.com/keep'] };
  const spec = { subnet: '10.6.0.0/16', ips: ['10.6.0.15-10.6.0.16'], default: false, disable: false };
  await stage.kube.create(resources.spiderIPPools, { metadata, spec });
  await stage.until(() => stage.sizes('mine'), '10.6.0.15-10.6.0.16; 2 of 10');
  await stage.until(async () => (await stage.pool('mine'))?.status, { totalIPCount: 2, allocatedIPCount: 0 });
  const pool = await stage.pool('mine');
  assert.deepEqual(pool?.metadata.finalizers, ['example.com/keep', SPIDERPOOL_FINALIZER]);
  assert.deepEqual(
    pool?.metadata.ownerReferences?.map(({ kind, name }) => `${kind} ${name}`),
    ['SpiderSubnet s'],
  );
  await stage.kube.delete(resources.spiderIPPools, { name: 'mine' });
  await stage.until(async () => (await stage.pool('mine'))?.metadata.finalizers, ['example.com/keep']);
});

test('a subnet that is deleted waits for its pools, and its condition names who holds addresses', async () => {
  await stage.deployment(fromSubnet('s'), 1);
  await stage.until(() => stage.sizes(), '10.6.0.10-10.6.0.11; 2 of 10');
  await stage.hold(ETH0, { '10.6.0.11': { pod: 'default/b', podUid: 'b' } });
  await stage.kube.delete(resources.spiderSubnets, { name: 's' });
  const message = 'it is deleted when no pod holds an address of it: default/b (10.6.0.11)';
  await stage.until(() => ready(() => stage.subnetNow()), message);
  assert.notEqual((await stage.pool())?.metadata.deletionTimestamp, undefined);
  await stage.hold(ETH0, {});
  await stage.until(() => stage.subnetNow(), undefined);
  assert.equal(await stage.pool(), undefined);
});

test('the pool of a controller of a third party goes when it has had no pods for ten minutes', async () => {
  await stage.stop();
  const clock = new FakeClock();
  stage = new Stage(clock);
  await stage.subnet('s');
  await stage.start();
  await stage.deployment(fromSubnet('s'), 1);
  await stage.until(() => stage.sizes(), '10.6.0.10-10.6.0.11; 2 of 10');
  const made = await stage.pool();
  assert.ok(made);
  const labels = {
    ...made.metadata.labels,
    'ipam.spidernet.io/owner-application-gv': 'argoproj.io_v1alpha1',
    'ipam.spidernet.io/owner-application-kind': 'Rollout',
    'ipam.spidernet.io/owner-application-uid': 'rollout',
  };
  const owner = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    name: 'app',
    uid: 'rollout',
    controller: true,
  };
  const metadata = { name: 'a', namespace: 'default', ownerReferences: [owner] };
  await stage.kube.create(resources.pods, { metadata, spec: { containers: [] } });
  await stage.kube.create(resources.spiderIPPools, {
    metadata: { name: 'third', labels },
    spec: { subnet: '10.6.0.0/16', ips: ['10.6.0.19'], default: false, disable: false },
  });
  const sizes = async () => {
    await clock.advance(10); // a write may have to be tried again
    return await stage.sizes('third');
  };
  await stage.until(sizes, '10.6.0.19; 3 of 10');
  await clock.advance(11 * 60_000);
  assert.notEqual(await stage.pool('third'), undefined);
  await stage.kube.delete(resources.pods, { namespace: 'default', name: 'a' }, { gracePeriodSeconds: 0 });
  await stage.until(async () => (await stage.kube.list(resources.pods)).items.length, 0);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(5 * 60_000);
  assert.notEqual(await stage.pool('third'), undefined);
  await clock.advance(6 * 60_000);
  await stage.until(() => stage.pool('third'), undefined);
});
