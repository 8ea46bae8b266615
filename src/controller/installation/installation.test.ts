// What a starting controller brings to a new cluster: its kinds, and the objects that an installation begins with.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CustomResourceDefinition, crdManifests, resources, type SpiderCoordinator } from '#api';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import { applyDefaults } from './defaults.ts';
import { Kinds } from './kinds.ts';

const type = resources.customResourceDefinitions;
const names = crdManifests().map(({ metadata }) => metadata.name ?? '');

function starting(client: FakeKube, version = '1.0.0') {
  const clock = new FakeClock();
  const kinds = new Kinds({ client, clock, log: silentLogger, version });
  let isDone = false;
  const done = kinds.install().then(() => {
    isDone = true;
  });
  return { clock, kinds, done, isDone: () => isDone };
}

async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** As kube-apiserver does, some time after it has stored a definition. */
async function establish(client: FakeKube, name: string): Promise<void> {
  const crd = await client.get(type, { name });
  const conditions = [{ type: 'Established', status: 'True' }];
  await client.updateStatus(type, {
    ...crd,
    status: { ...crd.status, conditions },
  } as CustomResourceDefinition);
}

test('the controller waits until the API server serves all its kinds', async (t) => {
  const client = new FakeKube();
  const { clock, kinds, done, isDone } = starting(client);
  t.after(() => kinds.stop());
  await turns();
  const { items } = await client.list(type);
  assert.deepEqual(items.map(({ metadata }) => metadata.name).toSorted(), names.toSorted());
  assert.match(kinds.problem ?? '', /is missing: the API server does not serve it yet/);
  for (const name of names.slice(1)) await establish(client, name);
  await clock.advance(1000);
  await turns();
  assert.equal(isDone(), false);
  assert.match(kinds.problem ?? '', new RegExp(`${names[0]} is missing`));
  await establish(client, names[0] ?? '');
  await clock.advance(1000);
  await done;
  assert.equal(kinds.problem, undefined);
});

test('a refusal is the reason why the controller is not ready, and is tried again', async (t) => {
  const client = new FakeKube();
  client.before = ({ verb }) => {
    if (verb === 'patch') throw new OrbError('KUBE_FORBIDDEN', { message: 'no right to patch' });
  };
  const { clock, kinds, isDone } = starting(client);
  t.after(() => kinds.stop());
  await turns();
  assert.match(kinds.problem ?? '', /is missing: no right to patch/);
  client.before = () => {};
  await clock.advance(1000);
  await turns();
  for (const name of names) await establish(client, name);
  await clock.advance(1000);
  await turns();
  assert.ok(isDone());
});

test('kinds of a newer version, and the kind of Multus, are only read', async (t) => {
  const client = new FakeKube();
  for (const crd of crdManifests()) {
    const ours = crd.spec.group === 'spiderpool.spidernet.io';
    const annotations = ours ? { 'orbweaver.io/version': '2.0.0' } : {};
    await client.create(type, { ...crd, metadata: { ...crd.metadata, annotations } });
    await establish(client, crd.metadata.name ?? '');
  }
  const { kinds, done } = starting(client);
  t.after(() => kinds.stop());
  await done;
  assert.equal(client.count('patch', type.plural), 0);
});

const coordinator = {
  type: resources.spiderCoordinators,
  object: { metadata: { name: 'default' }, spec: { podCIDRType: 'none' } } as SpiderCoordinator,
};

async function led(client: FakeKube, meanwhile: (clock: FakeClock) => Promise<void>): Promise<string[]> {
  const clock = new FakeClock();
  const warned: string[] = [];
  const log = { ...silentLogger, warn: (_: object, message: string) => void warned.push(message) };
  const leading = new AbortController();
  const ended = applyDefaults({ client, clock, log }, [coordinator], leading.signal);
  await turns();
  await meanwhile(clock);
  leading.abort();
  await ended;
  return warned;
}

test('the leader applies the default objects, also if the first try fails', async () => {
  const client = new FakeKube();
  let isFirst = true;
  client.before = ({ verb }) => {
    if (verb !== 'patch' || !isFirst) return;
    isFirst = false;
    throw new OrbError('KUBE_UNREACHABLE', { message: 'the webhook does not answer yet' });
  };
  await led(client, async (clock) => {
    await clock.advance(1000);
    await turns();
  });
  const stored = await client.get(resources.spiderCoordinators, { name: 'default' });
  assert.equal(stored.spec?.podCIDRType, 'none');
});

test('a default object that others changed stays, and is not tried again', async () => {
  const client = new FakeKube();
  client.before = ({ verb }) => {
    if (verb === 'patch') throw new OrbError('KUBE_CONFLICT', { message: 'conflict with "kubectl-edit"' });
  };
  const warned = await led(client, async (clock) => {
    await clock.advance(60_000);
    await turns();
  });
  assert.deepEqual(warned, ['a default object stays as others changed it']);
  assert.equal(client.count('patch', resources.spiderCoordinators.plural), 1);
});
