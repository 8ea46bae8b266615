// The controller as real processes: it follows the cluster, one replica leads, and it survives what happens to it.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type ConfigMap,
  type NetworkAttachmentDefinition,
  resources,
  type SpiderCoordinator,
  type SpiderMultusConfig,
} from '#api';
import { ifFound } from '#kube';
import { ControlPlane, eventually } from './controller-fixture.ts';
import { until } from './program.ts';

const plane = new ControlPlane();
const defaultsFile = join(plane.folder, 'defaults.yaml');
before(async () => {
  await plane.start();
  writeFileSync(defaultsFile, JSON.stringify(defaultCoordinator));
  await plane.startReplica('one', ['--defaults', defaultsFile]);
});
after(() => plane.stop());

const { networkAttachmentDefinitions, spiderCoordinators, spiderMultusConfigs } = resources;
const namespace = 'kube-system';

const defaultCoordinator = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderCoordinator',
  metadata: { name: 'default' },
  spec: { podCIDRType: 'cluster', vethMTU: 1400 },
};

/** As in the guide for underlay Services, with the name of the example. */
function multusConfig(name: string, master = 'ens192'): SpiderMultusConfig {
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name, namespace },
    spec: {
      cniType: 'macvlan',
      enableCoordinator: true,
      macvlan: { master: [master], ippools: { ipv4: ['v4-pool'] } },
    },
  } as SpiderMultusConfig;
}

function definition(name: string): Promise<NetworkAttachmentDefinition | undefined> {
  return ifFound(plane.client.get(networkAttachmentDefinitions, { namespace, name }));
}

function plugins({ spec }: NetworkAttachmentDefinition): { type: string; master?: string }[] {
  return (JSON.parse(spec?.config ?? '{}') as { plugins: { type: string; master?: string }[] }).plugins;
}

async function readyReason(name: string): Promise<string | undefined> {
  const { status } = await plane.client.get(spiderMultusConfigs, { namespace, name });
  return status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
}

async function coordinator(): Promise<SpiderCoordinator> {
  return await plane.client.get(spiderCoordinators, { name: 'default' });
}

test('a controller brings its kinds to an empty API server, and the objects that an installation begins with', async () => {
  const made = await eventually('the object is there', () => coordinator().catch(() => undefined));
  assert.deepEqual([made.spec?.podCIDRType, made.spec?.vethMTU], ['cluster', 1400]);
  const { metadata } = await plane.client.get(resources.customResourceDefinitions, {
    name: 'spidercoordinators.spiderpool.spidernet.io',
  });
  assert.match(metadata.annotations?.['orbweaver.io/version'] ?? '', /^\d+\.\d+\.\d+$/);
});

test('a SpiderMultusConfig gets its NetworkAttachmentDefinition, and its status says so', async () => {
  plane.apply(multusConfig('macvlan-ens192'));
  const made = await eventually('the definition is made', () => definition('macvlan-ens192'));
  assert.deepEqual(
    plugins(made).map(({ type }) => type),
    ['macvlan', 'coordinator'],
  );
  await until('the status says so', async () => (await readyReason('macvlan-ens192')) === 'Rendered');
});

test('a changed SpiderMultusConfig changes its definition', async () => {
  plane.apply(multusConfig('changed'));
  await eventually('the definition is made', () => definition('changed'));
  plane.apply(multusConfig('changed', 'ens224'));
  await eventually('the definition follows', async () => {
    const made = await definition('changed');
    return made && plugins(made)[0]?.master === 'ens224' ? made : undefined;
  });
});

test('a definition that somebody edits or deletes is as before again', async () => {
  plane.apply(multusConfig('edited'));
  const made = await eventually('the definition is made', () => definition('edited'));
  await plane.client.patch(
    networkAttachmentDefinitions,
    { namespace, name: 'edited' },
    { type: 'merge', body: { spec: { config: '{}' } } },
  );
  await eventually('the edit is undone', async () => {
    const now = await definition('edited');
    return now?.spec?.config === made.spec?.config ? now : undefined;
  });
  await plane.client.delete(networkAttachmentDefinitions, { namespace, name: 'edited' });
  await eventually('the definition is back', async () => {
    const now = await definition('edited');
    return now !== undefined && now.metadata.uid !== made.metadata.uid ? now : undefined;
  });
});

test('a definition that another controller owns stays as it is, and the status names that owner', async () => {
  const theirs = await plane.client.create(resources.configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: 'theirs' },
  });
  const uid = theirs.metadata.uid ?? '';
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'theirs', uid, controller: true };
  plane.apply(multusConfig('lost'));
  await eventually('the definition is made', () => definition('lost'));
  const config = '{"cniVersion":"0.3.1","name":"theirs","plugins":[]}';
  const body = { metadata: { ownerReferences: [owner] }, spec: { config } };
  const ref = { namespace, name: 'lost' };
  await plane.client.patch(networkAttachmentDefinitions, ref, { type: 'merge', body });
  await until('the status says so', async () => (await readyReason('lost')) === 'OwnedByAnother');
  assert.equal((await definition('lost'))?.spec?.config, config);
});

test('the networks of the cluster are read where kubeadm writes them, and followed', async () => {
  const kubeadm = (podSubnet: string): ConfigMap => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: 'kubeadm-config' },
    data: {
      ClusterConfiguration: `networking: {podSubnet: ${podSubnet}, serviceSubnet: 10.96.0.0/16}`,
    },
  });
  plane.apply(kubeadm('10.244.0.0/16'), {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderCoordinator',
    metadata: { name: 'default' },
    spec: { podCIDRType: 'cluster' },
  } as SpiderCoordinator);
  await until('the networks are known', async () => (await coordinator()).status?.phase === 'Synced');
  const { status } = await coordinator();
  assert.deepEqual([status?.overlayPodCIDR, status?.serviceCIDR], [['10.244.0.0/16'], ['10.96.0.0/16']]);
  plane.apply(kubeadm('10.245.0.0/16'));
  await until(
    'the change is followed',
    async () => (await coordinator()).status?.overlayPodCIDR?.[0] === '10.245.0.0/16',
  );
  await plane.client.delete(resources.configMaps, { namespace, name: 'kubeadm-config' });
  await until('the loss is said', async () => (await coordinator()).status?.phase === 'NotReady');
});

test('the controller goes on after a restart of the API server', async () => {
  await plane.restartApiServer();
  plane.apply(multusConfig('after-restart'));
  await eventually('the definition is made', () => definition('after-restart'));
});

test('when the leader is killed, another replica takes over', async () => {
  await until('the first replica leads', async () => (await plane.leader()) === 'one');
  await plane.client.patch(
    spiderCoordinators,
    { name: 'default' },
    { type: 'merge', fieldManager: 'kubectl-edit', body: { spec: { vethMTU: 1450 } } },
  );
  await plane.startReplica('two', ['--defaults', defaultsFile]);
  assert.equal(await plane.leader(), 'one');
  await plane.replica('one').stop('SIGKILL');
  await until('the second replica leads', async () => (await plane.leader()) === 'two');
  plane.apply(multusConfig('after-kill'));
  await eventually('the definition is made', () => definition('after-kill'));
});

test('the token of a program is in no log, no command line and no environment', async () => {
  const chatty = await plane.startReplica('chatty', ['--defaults', defaultsFile, '--log-level', 'debug']);
  const token = readFileSync(join(plane.folder, 'token'), 'utf8').trim();
  assert.ok(token.length >= 16);
  assert.ok(readFileSync(plane.kubeconfig, 'utf8').includes(token), 'it is the token that is used');
  const process = `/proc/${chatty.pid}`;
  const shown = ['cmdline', 'environ'].map((name) => readFileSync(join(process, name), 'utf8'));
  assert.ok(shown[0]?.includes('--kubeconfig'));
  const files = readdirSync(plane.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const having = files.filter((file) => readFileSync(file, 'latin1').includes(token));
  assert.deepEqual(having.toSorted(), [plane.kubeconfig, join(plane.folder, 'token')].toSorted());
  for (const file of having) assert.equal(statSync(file).mode & 0o777, 0o600, file);
  assert.deepEqual(
    shown.filter((text) => text.includes(token)),
    [],
  );
  await chatty.stop('SIGTERM');
});

test('what a user changed in a default object stays, and the next leader says so', async () => {
  await until('the leader says so', async () => plane.replica('two').log.includes('as others changed it'));
  assert.match(plane.replica('two').log, /conflict with \\"kubectl-edit\\"|kubectl-edit/);
  assert.equal((await coordinator()).spec?.vethMTU, 1450);
});

test('a leader that is stopped gives the lease up at once', async () => {
  await plane.replica('two').stop('SIGTERM');
  assert.equal(await plane.leader(), undefined);
});
