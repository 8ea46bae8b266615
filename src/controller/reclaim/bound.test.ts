// Addresses that the provider of an IaaS may have bound: the controller frees them after the provider.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { resources } from '#api';
import { FakeProvider } from '#iaas/testing';
import { recordOf, Stage } from './reclaim-fixture.ts';

let stage: Stage;
let provider: FakeProvider;
beforeEach(async () => {
  stage = new Stage();
  provider = new FakeProvider();
  await provider.start();
  stage.iaas = provider.client();
  await stage.node();
});
afterEach(async () => {
  await stage.stop();
  provider.close();
});

const place = { node: 'node1', parentNicMac: 'fa:16:3e:11:22:33' };
const bound = (name: string) => ({ ...recordOf(name), iaas: place });

/** Lets the reclaiming run until so many requests came to the provider. */
async function untilAsked(requests: number): Promise<void> {
  for (let tries = 0; provider.requests.length < requests; tries++) {
    if (tries === 400) assert.fail(`${provider.requests.length} requests`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  for (let tries = 0; tries < 20; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await stage.settle();
  }
}

test('the provider lets a leaked address go before its pool does, and hears of no other', async () => {
  await stage.pod('runs');
  await stage.pool('p', {
    '10.6.0.1': bound('gone'),
    '10.6.0.2': recordOf('plain'),
    '10.6.0.3': bound('runs'),
  });
  let heldAtRelease: string[] = [];
  provider.before = async () => {
    heldAtRelease = await stage.held('p');
  };
  await stage.start();
  await untilAsked(1);
  assert.deepEqual(await stage.held('p'), ['10.6.0.3']);
  assert.deepEqual(heldAtRelease, ['10.6.0.1', '10.6.0.2', '10.6.0.3']);
  const body = { podName: 'gone', podNamespace: 'ns', podUID: 'uid-gone', nodeName: 'node1' };
  const address = { ipAddress: '10.6.0.1', subnet: '10.6.0.0/16', parentNicMac: place.parentNicMac };
  assert.deepEqual(
    provider.requests.map((request) => request.body),
    [{ ...body, ...address }],
  );
});

test('while the provider is away, its addresses stay and others are freed; then it is asked again', async () => {
  await stage.pool('p', { '10.6.0.1': bound('gone'), '10.6.0.2': recordOf('plain') });
  provider.fault = (_, response) => {
    response.writeHead(503).end('busy');
    return true;
  };
  await stage.start();
  await untilAsked(1);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  assert.deepEqual([stage.counts.freed, stage.counts.failed], [1, 1]);
  provider.fault = () => false;
  const before = provider.requests.length;
  await stage.pass(35);
  await untilAsked(before + 1);
  assert.deepEqual(await stage.held('p'), []);
});

test('a record that another pod took since the verdict is left alone, and stays bound', async () => {
  await stage.pool('p', { '10.6.0.1': bound('gone') });
  stage.kube.before = async ({ verb, plural }) => {
    if (verb !== 'get' || plural !== 'spiderippools') return;
    stage.kube.before = () => {};
    const pool = await stage.kube.get(resources.spiderIPPools, { name: 'p' });
    const records = { '10.6.0.1': { ...bound('gone'), podUid: 'uid-of-the-next' } };
    const status = { ...pool.status, allocatedIPs: JSON.stringify(records) };
    await stage.pod('next', { metadata: { uid: 'uid-of-the-next' } });
    await stage.kube.updateStatus(resources.spiderIPPools, { ...pool, status } as typeof pool);
  };
  await stage.start();
  for (let tries = 0; tries < 20; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await stage.settle();
  }
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  assert.deepEqual(provider.requests, []);
});

test('without a provider, what one may have bound is kept', async () => {
  stage.iaas = provider.client({ serverUrl: '' });
  await stage.pool('p', { '10.6.0.1': bound('gone'), '10.6.0.2': recordOf('plain') });
  await stage.start();
  await stage.pass(120);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  assert.equal(stage.counts.failed, 0, 'nobody is asked');
});
