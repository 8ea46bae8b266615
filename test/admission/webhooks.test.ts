// Admission by real HTTPS webhooks: the embedded API server calls the controller, which makes the certificates.
/* oxlint-disable typescript/no-unsafe-member-access */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { resources } from '#api';
import { until } from '../e2e/program.ts';
import { Cluster } from './cluster.ts';

const cluster = new Cluster();
before(async () => {
  await cluster.start();
  await cluster.install(await cluster.startReplica('one'));
});
after(() => cluster.stop());

const pools = '/apis/spiderpool.spidernet.io/v2beta1/spiderippools';
const pool = (name: string, spec: object) => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name },
  spec,
});

test('a pool gets its defaults by a webhook, and a wrong one is refused with field and text', async () => {
  const made = await cluster.call(
    'POST',
    pools,
    pool('a', { subnet: '10.6.0.0/16', ips: ['10.6.0.2', '10.6.0.1'] }),
  );
  assert.equal(made.code, 201, JSON.stringify(made.body));
  assert.deepEqual(made.body.spec.ips, ['10.6.0.1-10.6.0.2']);
  assert.equal(made.body.spec.ipVersion, 4);
  const refused = await cluster.call('POST', pools, pool('b', { subnet: '10.7.0.0/16', ips: ['10.6.0.2'] }));
  assert.equal(refused.code, 422);
  assert.equal(
    refused.body.message,
    'admission webhook "kinds.orbweaver.io" denied the request: SpiderIPPool.spiderpool.spidernet.io "b" is invalid: spec.ips[0]: Invalid value: "10.6.0.2": not match base subnet: 10.7.0.0/16 only has 10.7.0.0-10.7.255.255',
  );
});

test('of a hundred equal pools made at once one is stored, and its addresses are free when it is deleted', async () => {
  const spec = { subnet: '10.9.0.0/24', ips: ['10.9.0.1'] };
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => cluster.call('POST', pools, pool(`same${index}`, spec))),
  );
  const stored = answers.filter(({ code }) => code === 201);
  assert.equal(stored.length, 1);
  const [{ body } = { body: undefined }] = stored;
  for (const { code, body: refused } of answers.filter((answer) => answer.code !== 201)) {
    assert.equal(code, 422);
    assert.match(refused.message, new RegExp(`overlap with IPPool ${body.metadata.name} in IP ranges`));
  }
  assert.equal((await cluster.call('DELETE', `${pools}/${body.metadata.name}`)).code, 200);
  await until('the controller has seen the deletion', async () => {
    const dryRun = await cluster.call('POST', `${pools}?dryRun=All`, pool('other', spec));
    return dryRun.code === 201;
  });
});

test('our configurations get their certificates back when somebody removes them, and others are not touched', async () => {
  const type = resources.mutatingWebhookConfigurations;
  const client = cluster.client();
  const bundles = async () => {
    const { webhooks = [] } = await client.get(type, { name: 'orbweaver' });
    return webhooks.map(({ clientConfig }) => clientConfig.caBundle);
  };
  const [right] = await bundles();
  const foreign = {
    name: 'foreign.example.org',
    clientConfig: { service: { namespace: 'kube-system', name: 'other' } },
    ...{ sideEffects: 'None', admissionReviewVersions: ['v1'], failurePolicy: 'Ignore' },
  };
  const body = [
    { op: 'remove', path: '/webhooks/0/clientConfig/caBundle' },
    { op: 'add', path: '/webhooks/0', value: foreign },
  ];
  await client.patch(type, { name: 'orbweaver' }, { type: 'json', body });
  await until('the certificates are back', async () => (await bundles())[1] === right);
  assert.equal((await bundles())[0], undefined);
});

test('a pool that was stored past admission and overlaps is marked, and serves again when that is solved', async () => {
  const unchecked = new Cluster();
  await unchecked.start();
  try {
    await unchecked.startReplica('one');
    const type = resources.spiderIPPools;
    const spec = { subnet: '10.9.0.0/24', ips: ['10.9.0.1'], ipVersion: 4 };
    for (const name of ['first', 'second'])
      assert.equal((await unchecked.call('POST', pools, pool(name, spec))).code, 201);
    const statuses = async () => {
      const { items } = await unchecked.client().list(type);
      return items.map(({ status }) => status?.conditions?.find((one) => one.type === 'Overlapping')?.status);
    };
    await until('one is marked', async () => (await statuses()).includes('True'));
    assert.deepEqual((await statuses()).filter(Boolean), ['True']);
    const marked = (await statuses())[0] === 'True' ? 'first' : 'second';
    const free = [{ op: 'replace', path: '/spec/ips', value: ['10.9.0.2'] }];
    await unchecked.client().patch(type, { name: marked }, { type: 'json', body: free });
    await until('none is marked', async () => !(await statuses()).includes('True'));
  } finally {
    await unchecked.stop();
  }
});

test('a replica is ready when it serves its certificates, and says why it is not', async () => {
  const foreign = new Cluster();
  await foreign.start();
  try {
    const metadata = { namespace: 'kube-system', name: 'orbweaver-webhook-certificates' };
    await foreign.client().create(resources.secrets, { metadata, data: {} });
    const replica = await foreign.startReplica('one');
    const ready = async () => {
      const answer = await fetch(`http://127.0.0.1:${replica.healthPort}/v1/runtime/readiness`);
      return { status: answer.status, text: await answer.text() };
    };
    await until('the reason is told', async () => (await ready()).text.includes('was not made by this'));
    assert.equal((await ready()).status, 500);
    await foreign.client().delete(resources.secrets, metadata);
    await until('the replica is ready', async () => (await ready()).status === 200);
    const { data = {} } = await foreign.client().get(resources.secrets, metadata);
    assert.deepEqual(Object.keys(data).sort(), ['ca.crt', 'ca.key', 'tls.crt', 'tls.key']);
  } finally {
    await foreign.stop();
  }
});
