// Pods and namespaces at admission, by real webhooks.
/* oxlint-disable typescript/no-unsafe-member-access */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../e2e/program.ts';
import { Cluster } from './cluster.ts';

const cluster = new Cluster();
before(async () => {
  await cluster.start();
  await cluster.install(await cluster.startReplica('one'));
});
after(() => cluster.stop());

const NETWORK = 'cni.spidernet.io/network-resource-inject';
const NETWORKS = 'k8s.v1.cni.cncf.io/networks';

function create(name: string, annotations: object, namespace = 'default') {
  return cluster.call('POST', `/api/v1/namespaces/${namespace}/pods`, {
    metadata: { name, annotations },
    spec: { containers: [{ name: 'a', image: 'a' }] },
  });
}

test('a pod with wrong annotations is stored, and its author is warned', async () => {
  const { code, warnings } = await create('wrong', { 'ipam.spidernet.io/ippool': '{' });
  assert.equal(code, 201);
  assert.match(warnings, /invalid format of Pod annotation ipam\.spidernet\.io\/ippool/);
});

test('the author of a pod that requests an address that no pool can give is warned', async () => {
  const { code, warnings } = await create('asking', { 'ipam.orbweaver.io/ips': '{"eth0":"192.0.2.1"}' });
  assert.equal(code, 201);
  assert.match(warnings, /annotation ipam\.orbweaver\.io\/ips of eth0 requests 192\.0\.2\.1/);
});

test('the template of a workload is checked, because nobody sees the warnings about its pods', async () => {
  const template = (annotations: object) => ({
    metadata: { labels: { app: 'a' }, annotations },
    spec: { containers: [{ name: 'a', image: 'a' }], restartPolicy: 'Always' },
  });
  const wrong = { 'ipam.spidernet.io/ippool': '{' };
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const deployment = (name: string, annotations: object) =>
    cluster.call('POST', path, {
      metadata: { name },
      spec: { selector: { matchLabels: { app: 'a' } }, template: template(annotations) },
    });
  const made = await deployment('wrong', wrong);
  assert.equal(made.code, 201, JSON.stringify(made.body));
  assert.match(made.warnings, /invalid format of Pod annotation ipam\.spidernet\.io\/ippool/);
  const subnet = { 'ipam.spidernet.io/subnet': '{"ipv4":["s"]}' };
  assert.equal((await deployment('right', subnet)).warnings, '', 'a Deployment may have automatic pools');
  assert.equal((await deployment('plain', { 'example.org/a': '{' })).warnings, '');
  const cronJob = await cluster.call('POST', '/apis/batch/v1/namespaces/default/cronjobs', {
    metadata: { name: 'wrong' },
    spec: {
      schedule: '0 0 * * *',
      jobTemplate: {
        spec: { template: { ...template(wrong), spec: { ...template({}).spec, restartPolicy: 'Never' } } },
      },
    },
  });
  assert.equal(cronJob.code, 201, JSON.stringify(cronJob.body));
  assert.match(cronJob.warnings, /invalid format of Pod annotation/);
});

test('a namespace with wrong annotations is stored, and its author is warned', async () => {
  const metadata = { name: 'wrong', annotations: { 'ipam.spidernet.io/default-ipv4-ippool': 'a' } };
  const { code, warnings } = await cluster.call('POST', '/api/v1/namespaces', { metadata });
  assert.equal(code, 201);
  assert.match(warnings, /Namespace annotation ipam\.spidernet\.io\/default-ipv4-ippool/);
});

test('pods get the networks of the group that they or their namespace name', async () => {
  const configs = '/apis/spiderpool.spidernet.io/v2beta1/namespaces/kube-system/spidermultusconfigs';
  const made = await cluster.call('POST', configs, {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name: 'lan', annotations: { [NETWORK]: 'ai' } },
    spec: { cniType: 'sriov', sriov: { resourceName: 'intel/vf', ippools: { ipv4: ['v4'] } } },
  });
  assert.equal(made.code, 201, JSON.stringify(made.body));
  await until('the controller has seen the network', async () => {
    const dryRun = await cluster.call('POST', '/api/v1/namespaces/default/pods?dryRun=All', {
      metadata: { name: 'try', annotations: { [NETWORK]: 'ai' } },
      spec: { containers: [{ name: 'a', image: 'a' }] },
    });
    return dryRun.code === 201;
  });
  const { body } = await create('mine', { [NETWORK]: 'ai', [NETWORKS]: 'default/own' });
  assert.equal(body.metadata.annotations[NETWORKS], 'default/own,kube-system/lan@net2');
  assert.equal(body.spec.containers[0].resources.limits['intel/vf'], '1');

  const metadata = { name: 'injecting', annotations: { [NETWORK]: 'ai' } };
  const namespace = await cluster.call('POST', '/api/v1/namespaces', { metadata });
  assert.equal(namespace.body.metadata.labels['orbweaver.io/injects-networks'], 'true');
  await until('the controller has seen the namespace', async () => {
    const dryRun = await cluster.call('POST', '/api/v1/namespaces/injecting/pods?dryRun=All', {
      metadata: { name: 'try' },
      spec: { containers: [{ name: 'a', image: 'a' }] },
    });
    return dryRun.body.metadata.annotations?.[NETWORKS] === 'kube-system/lan@net1';
  });
  const unknown = await create('unknown', { [NETWORK]: 'nobody' });
  assert.equal(unknown.code, 422);
  assert.match(unknown.body.message, /no SpiderMultusConfig belongs to this group/);
});

test('while no replica runs pods start all the same, and our own kinds are refused', async () => {
  const alone = new Cluster();
  await alone.start();
  try {
    const replica = await alone.startReplica('only');
    await alone.install(replica);
    await replica.stop();
    const pod = {
      metadata: { name: 'p', annotations: { 'ipam.spidernet.io/ippool': '{' } },
      spec: { containers: [{ name: 'a', image: 'a' }] },
    };
    assert.equal((await alone.call('POST', '/api/v1/namespaces/default/pods', pod)).code, 201);
    const pool = {
      ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool' },
      ...{ metadata: { name: 'p' }, spec: { subnet: '10.6.0.0/16' } },
    };
    const path = '/apis/spiderpool.spidernet.io/v2beta1/spiderippools';
    const refused = await alone.call('POST', path, pool);
    assert.equal(refused.code, 500);
    assert.match(refused.body.message, /failed calling webhook "kinds\.orbweaver\.io"/);
  } finally {
    await alone.stop();
  }
});

test('a controller that is configured so refuses wrong annotations', async () => {
  const strict = new Cluster();
  await strict.start();
  try {
    await strict.install(await strict.startReplica('strict', 'refuse'));
    const { code, body } = await strict.call('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name: 'p', annotations: { 'ipam.spidernet.io/ippool': '{', 'ipam.spidernet.io/dns': '' } },
      spec: { containers: [{ name: 'a', image: 'a' }] },
    });
    assert.equal(code, 422);
    assert.match(
      body.message,
      /webhook "pods\.orbweaver\.io" denied the request: wrong input, invalid format/,
    );
  } finally {
    await strict.stop();
  }
});
