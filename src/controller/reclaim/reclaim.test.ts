// Which addresses the controller frees, and what it does when the cluster does not answer.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { foreignResources, resources, SPIDERPOOL_FINALIZER } from '#api';
import { OrbError } from '#base';
import { recordOf, Stage } from './reclaim-fixture.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.stop());

const unreachable = () => new OrbError('KUBE_UNREACHABLE', { message: 'no answer' });
const ref = (name: string) => ({ name, namespace: 'ns' });

test('one write frees all leaked addresses of a pool, and no address of a running pod', async () => {
  await stage.node();
  await stage.pod('runs');
  const leaked = Array.from({ length: 100 }, (_, i) => [`10.6.1.${i + 1}`, recordOf(`gone-${i}x`)]);
  await stage.pool('p', { ...Object.fromEntries(leaked), '10.6.0.1': recordOf('runs') });
  await stage.start();
  await stage.settle();
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  assert.equal(stage.kube.count('patch', 'spiderippools'), 1);
  assert.deepEqual(stage.counts, { freed: 100, failed: 0, conflicted: 0 });
});

test('a full scan of 10,000 records with 100 leaked needs a write for each pool, and reads the leaked ones alone', async () => {
  const pools = Array.from({ length: 20 }, (_, pool) => pool);
  await stage.node();
  for (const pool of pools) {
    const names = Array.from({ length: 500 }, (_, i) => `app-${pool}-${i}`);
    await Promise.all(names.slice(5).map((name) => stage.pod(`${name}-x`)));
    const address = (i: number) => `10.6.${pool * 2 + Math.floor(i / 250)}.${(i % 250) + 1}`;
    const records = names.map((name, i) => [address(i), recordOf(`${name}-x`)]);
    await stage.pool(`p${pool}`, Object.fromEntries(records));
  }
  stage.kube.calls.length = 0;
  await stage.start();
  const left = await Promise.all(pools.map((pool) => stage.held(`p${pool}`)));
  assert.deepEqual([left.flat().length, stage.counts.freed], [9900, 100]);
  const writes = stage.kube.calls.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb));
  assert.equal(writes.length, 20);
  assert.ok(stage.kube.count('get', 'pods') <= 100);
});

test('a deleted pod gives its address back within a minute, also if its node says nothing', async () => {
  await stage.node();
  await stage.pod('app');
  await stage.pool('p', { '10.6.0.1': recordOf('app') });
  await stage.start();
  await stage.remove('app');
  await stage.pass(50);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  await stage.pass(15);
  assert.deepEqual(await stage.held('p'), []);
});

test('an address of a sandbox that still runs is kept, and freed when the node says that it is gone', async () => {
  await stage.node();
  await stage.pod('app');
  await stage.pool('p', { '10.6.0.1': recordOf('app') });
  stage.askNode = async () => 'alive';
  await stage.start();
  await stage.remove('app');
  await stage.pass(300);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  stage.askNode = async () => 'gone';
  await stage.pass(40);
  assert.deepEqual(await stage.held('p'), []);
});

test('a deleted pod gives its address back at once when its node says that no sandbox is left', async () => {
  await stage.node();
  await stage.pod('app');
  await stage.pool('p', { '10.6.0.1': recordOf('app') });
  const asked: string[] = [];
  stage.askNode = async (node, podUid) => {
    asked.push(`${node?.metadata.name} ${podUid}`);
    return 'gone';
  };
  await stage.start();
  await stage.remove('app');
  assert.deepEqual(await stage.held('p'), []);
  assert.deepEqual(asked, ['node1 uid-app']);
});

test('a pod that went before the controller came, with its endpoint, keeps its address while any node has its sandbox', async () => {
  await stage.node();
  await stage.pool('p', { '10.6.0.1': recordOf('app'), '10.6.0.2': recordOf('other') });
  stage.askNode = async (node, podUid) => (node === undefined && podUid === 'uid-app' ? 'alive' : 'unknown');
  await stage.start();
  await stage.pass(100);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
});

test('a pod that went before the leader came keeps its address until the agents came, and one of them has its sandbox', async () => {
  await stage.node();
  await stage.pool('p', { '10.6.0.1': recordOf('app'), '10.6.0.2': recordOf('other') });
  await stage.start({ unknownNodePatienceMs: 45_000 });
  await stage.pass(30);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1', '10.6.0.2']);
  stage.askNode = async (_, podUid) => (podUid === 'uid-app' ? 'alive' : 'unknown');
  await stage.pass(100);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
});

test('a pod that the watch showed late gets the whole minute of its silent node when it goes', async () => {
  await stage.node('node1', false);
  stage.kube.blind.add('pods');
  await stage.start();
  await stage.pod('app');
  await stage.pool('p', { '10.6.0.1': recordOf('app') });
  await stage.pass(700); // a scan finds a record without a pod, and the server has the pod
  stage.kube.blind.clear();
  await stage.kube.patch(
    resources.pods,
    { name: 'app', namespace: 'ns' },
    { type: 'merge', body: { metadata: { labels: { seen: 'yes' } } } },
  );
  await stage.pass(100);
  await stage.remove('app');
  await stage.pass(30);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  await stage.pass(60);
  assert.deepEqual(await stage.held('p'), []);
});

test('when the Node object of a silent node goes, its gone pods give their addresses back at once', async () => {
  await stage.node('node1', false);
  await stage.pod('app');
  await stage.pool('p', { '10.6.0.1': recordOf('app') });
  await stage.start();
  await stage.remove('app');
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  await stage.kube.delete(resources.nodes, { name: 'node1' });
  await stage.settle();
  assert.deepEqual(await stage.held('p'), []);
});

test('a pod that hangs in its deletion gives its address back when its grace is over', async () => {
  await stage.node();
  const dying = { finalizers: ['example.com/hold'], deletionTimestamp: stage.at(30) };
  await stage.pod('app', { metadata: dying });
  await stage.pool('p', { '10.6.0.1': recordOf('app') });
  stage.askNode = async () => 'gone';
  await stage.start();
  await stage.pass(25);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  await stage.pass(10);
  assert.deepEqual(await stage.held('p'), []);
});

test('the pod of a finished Job gives its address back', async () => {
  await stage.node();
  await stage.pod('job-x');
  await stage.pool('p', { '10.6.0.1': recordOf('job-x') });
  await stage.start();
  const terminated = { exitCode: 0, finishedAt: stage.at(0) };
  const containerStatuses = [
    { name: 'c', ready: false, restartCount: 0, image: 'i', imageID: '', state: { terminated } },
  ];
  const body = { status: { phase: 'Succeeded', containerStatuses } };
  await stage.kube.patch(resources.pods, ref('job-x'), { type: 'merge', body, subresource: 'status' });
  await stage.settle();
  await stage.pass(25);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  await stage.pass(80);
  assert.deepEqual(await stage.held('p'), []);
});

test('a StatefulSet keeps the addresses of its ordinals, and loses them when it shrinks', async () => {
  await stage.statefulSet('db', 2);
  for (const name of ['db-0', 'db-1']) await stage.endpoint(name, { owner: ['StatefulSet', 'db'] });
  await stage.pool('p', { '10.6.0.1': recordOf('db-0'), '10.6.0.2': recordOf('db-1') });
  await stage.start();
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1', '10.6.0.2']);
  const body = { spec: { replicas: 1 } };
  await stage.kube.patch(resources.statefulSets, ref('db'), { type: 'merge', body });
  await stage.settle();
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  assert.deepEqual(await stage.endpoints(), ['db-0']);
});

test('a pool that is deleted loses the addresses that the ordinals of a StatefulSet left, not those of its running pods', async () => {
  await stage.node();
  await stage.statefulSet('db', 3);
  for (const name of ['db-0', 'db-1']) await stage.pod(name);
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'uid-db', controller: true };
  const next = { uid: 'of the next pod', ownerReferences: [owner] };
  await stage.pod('db-2', { metadata: next, status: { phase: 'Pending', podIPs: [] } });
  for (const name of ['db-0', 'db-1', 'db-2']) await stage.endpoint(name, { owner: ['StatefulSet', 'db'] });
  const names = ['db-0', 'db-1', 'db-2'];
  await stage.pool('p', Object.fromEntries(names.map((name, nth) => [`10.6.0.${nth + 1}`, recordOf(name)])));
  stage.askNode = async () => 'gone';
  await stage.start();
  await stage.remove('db-1');
  await stage.pass(60);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1', '10.6.0.2', '10.6.0.3']);
  const finalizers = { type: 'merge', body: { metadata: { finalizers: [SPIDERPOOL_FINALIZER] } } } as const;
  await stage.kube.patch(resources.spiderIPPools, { name: 'p' }, finalizers);
  await stage.kube.delete(resources.spiderIPPools, { name: 'p' });
  await stage.pass(5);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
});

test('a StatefulSet keeps the address of an ordinal that has no endpoint', async () => {
  await stage.statefulSet('db', 1);
  await stage.pool('p', { '10.6.0.1': recordOf('db-0'), '10.6.0.2': recordOf('db-1') });
  await stage.start();
  await stage.pass(10);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
});

test('two StatefulSets share a pool while one shrinks and the other grows: each keeps the addresses of its ordinals', async () => {
  const names = ['db-0', 'db-1', 'web-0', 'web-1'];
  await stage.statefulSet('db', 2);
  await stage.statefulSet('web', 1);
  for (const name of names) await stage.pod(name);
  await stage.pool('p', Object.fromEntries(names.map((name, i) => [`10.6.0.${i + 1}`, recordOf(name)])));
  await stage.start();
  const scale = (name: string, replicas: number) =>
    stage.kube.patch(resources.statefulSets, ref(name), { type: 'merge', body: { spec: { replicas } } });
  await scale('db', 1);
  await scale('web', 2);
  await stage.remove('db-1');
  await stage.remove('web-0');
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1', '10.6.0.3', '10.6.0.4']);
});

test('a namespace that goes with its pods and endpoints frees their addresses, not those of a namesake elsewhere', async () => {
  await stage.node();
  const elsewhere = { namespace: 'other', name: 'app', uid: 'uid-elsewhere' };
  await stage.pod('app', { metadata: elsewhere });
  await stage.pod('app');
  await stage.pool('p', {
    '10.6.0.1': recordOf('app'),
    '10.6.0.2': { pod: 'other/app', podUid: 'uid-elsewhere', nic: 'eth0' },
  });
  await stage.start();
  await stage.remove('app');
  await stage.pass(70);
  assert.deepEqual(await stage.held('p'), ['10.6.0.2']);
});

test('a pod that hangs on a node that is not ready gives its address back a minute after its grace', async () => {
  await stage.node('node1', false);
  const dying = { finalizers: ['example.com/hold'], deletionTimestamp: stage.at(30) };
  await stage.pod('app', { metadata: dying });
  await stage.pool('p', { '10.6.0.1': recordOf('app') });
  await stage.start();
  await stage.pass(85);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  await stage.pass(10);
  assert.deepEqual(await stage.held('p'), []);
});

test('pods of many kinds leak in one pool: those that run or are fixed keep their addresses, the others lose them', async () => {
  await stage.node();
  await stage.statefulSet('db', 1);
  for (const name of ['deploy-x', 'daemon-x']) await stage.pod(name);
  const names = ['deploy-x', 'deploy-y', 'daemon-x', 'job-z', 'db-0', 'db-1'];
  await stage.pool('p', Object.fromEntries(names.map((name, i) => [`10.6.0.${i + 1}`, recordOf(name)])));
  await stage.start();
  await stage.pass(10);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1', '10.6.0.3', '10.6.0.5']);
});

test('a controller that starts again and again frees each time what has leaked meanwhile', async () => {
  await stage.pool('p', {});
  for (const round of [1, 2, 3]) {
    const body = {
      status: { allocatedIPs: JSON.stringify({ [`10.6.0.${round}`]: recordOf(`gone${round}`) }) },
    };
    await stage.kube.patch(
      resources.spiderIPPools,
      { name: 'p' },
      { type: 'merge', body, subresource: 'status' },
    );
    await stage.start();
    assert.deepEqual(await stage.held('p'), []);
    await stage.stop();
  }
});

test('the address of a virtual machine is kept until the machine is deleted', async () => {
  await stage.kube.create(foreignResources.virtualMachines, { metadata: { name: 'vm', namespace: 'ns' } });
  await stage.endpoint('vm', { owner: ['VirtualMachineInstance', 'vm'] });
  await stage.pool('p', { '10.6.0.1': recordOf('vm') });
  await stage.start();
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  await stage.kube.delete(foreignResources.virtualMachines, ref('vm'));
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), []);
  assert.deepEqual(await stage.endpoints(), []);
});

/** A pod of the virtual machine `vm`. */
const launcher = {
  labels: { 'kubevirt.io': 'virt-launcher' },
  ownerReferences: [
    {
      ...{ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'vm', uid: 'uid-vm' },
      controller: true,
    },
  ],
};

for (const [what, named, other] of [
  ['its source', 'launcher-b', 'launcher-a'],
  ['its target', 'launcher-a', 'launcher-b'],
] as const) {
  test(`a virtual machine that is deleted while it migrates keeps its address until ${what}, the last pod, has ended`, async () => {
    await stage.node();
    stage.askNode = async () => 'gone';
    for (const name of [named, other]) await stage.pod(name, { metadata: launcher });
    // A pod of another kind may have the name of the machine.
    await stage.pod('vm');
    await stage.pool('p', { '10.6.0.1': { ...recordOf('vm'), podUid: `uid-${named}` } });
    await stage.start();
    await stage.remove(named);
    await stage.pass(700);
    assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
    const finished = { type: 'merge', body: { status: { phase: 'Succeeded' } } } as const;
    stage.askNode = async (_, uid) => (uid === `uid-${other}` ? 'alive' : 'gone');
    await stage.kube.patch(resources.pods, ref(other), finished);
    await stage.pass(700);
    assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
    stage.askNode = async () => 'gone';
    await stage.remove(other);
    await stage.pass(30);
    assert.deepEqual(await stage.held('p'), []);
  });
}

test('the address of an IPAMClaim outlives its pod, and is freed when the claim is gone', async () => {
  await stage.kube.create(foreignResources.ipamClaims, { metadata: { name: 'mine', namespace: 'ns' } });
  await stage.pool('p', { '10.6.0.1': { ...recordOf('gone'), pod: 'ns/ipamclaim:mine' } });
  await stage.start();
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  await stage.kube.delete(foreignResources.ipamClaims, ref('mine'));
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), []);
});

test('the address of an IPAMClaim is freed within seconds when the claim goes, and nobody asks about it before', async () => {
  const claims = foreignResources.ipamClaims;
  const metadata = { name: 'mine', namespace: 'ns', finalizers: ['example.com/keep'] };
  await stage.kube.create(claims, { metadata });
  await stage.pool('p', { '10.6.0.1': { ...recordOf('gone'), pod: 'ns/ipamclaim:mine' } });
  await stage.pool('q', { '10.6.0.2': { ...recordOf('other'), pod: 'ns/ipamclaim:mine2' } });
  await stage.kube.create(claims, { metadata: { name: 'mine2', namespace: 'ns' } });
  await stage.start();
  await stage.pass(20);
  const asked = stage.kube.count('get', 'ipamclaims');
  await stage.pass(120);
  assert.equal(stage.kube.count('get', 'ipamclaims'), asked);
  await stage.kube.delete(claims, ref('mine'));
  await stage.pass(10);
  assert.deepEqual(await stage.held('p'), [], 'also while a finalizer of others keeps it');
  assert.deepEqual(await stage.held('q'), ['10.6.0.2']);
  await stage.kube.delete(claims, ref('mine2'));
  await stage.pass(10);
  assert.deepEqual(await stage.held('q'), []);
});

test('an IPAMClaim that is deleted after a failed migration keeps its address under the source', async () => {
  const networks = (claim: string) => ({
    'k8s.v1.cni.cncf.io/networks': JSON.stringify([{ name: 'net', 'ipam-claim-reference': claim }]),
  });
  const launcher = async (name: string, claim: string) => {
    const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name, controller: true };
    const metadata = {
      ...{ name, namespace: 'ns', uid: `uid-${name}`, labels: { 'kubevirt.io': 'virt-launcher' } },
      ...{ annotations: networks(claim), ownerReferences: [{ ...owner, uid: name }] },
    };
    await stage.kube.create(resources.pods, { metadata, spec: { nodeName: 'node1', containers: [] } });
  };
  await stage.node();
  await launcher('source', 'mine');
  await launcher('stranger', 'other');
  await stage.pool('p', { '10.6.0.1': { ...recordOf('target'), pod: 'ns/ipamclaim:mine' } });
  await stage.start();
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  stage.askNode = async () => 'gone';
  await stage.remove('source');
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), []);
});

test('the address of an IPAMClaim that is deleted stays while the pod runs', async () => {
  await stage.node();
  await stage.pod('app');
  await stage.pool('p', { '10.6.0.1': { ...recordOf('app'), pod: 'ns/ipamclaim:mine' } });
  await stage.start();
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  await stage.remove('app');
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), []);
});

test('a record with a wrong name of a living pod is kept, and one with a wrong UID is freed', async () => {
  await stage.node();
  await stage.pod('app');
  await stage.pool('p', {
    '10.6.0.1': { ...recordOf('app'), pod: 'ns/nobody' },
    '10.6.0.2': { ...recordOf('app'), podUid: 'uid-before' },
  });
  await stage.start();
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
});

test('a pod that the watch does not show is found on the server, and keeps its address', async () => {
  await stage.node();
  await stage.start();
  stage.kube.blind.add('pods');
  await stage.pod('new', { status: { phase: 'Pending', podIPs: [] } });
  await stage.pool('p', { '10.6.0.1': recordOf('new') });
  await stage.pass(700);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  assert.equal(stage.kube.count('patch', 'spiderippools'), 0);
});

for (const plural of ['pods', 'spiderendpoints', 'nodes', 'statefulsets', 'virtualmachines']) {
  test(`while the server does not answer about ${plural}, nothing is freed`, async () => {
    await stage.node();
    await stage.endpoint('app-7');
    const owners = { virtualmachines: 'VirtualMachineInstance', statefulsets: 'StatefulSet' };
    const kind = owners[plural as keyof typeof owners];
    if (kind !== undefined) await stage.endpoint('x-1', { owner: [kind, 'x'] });
    await stage.pool('p', { '10.6.0.1': recordOf(kind === undefined ? 'app-7' : 'x-1') });
    let away = true;
    stage.kube.before = ({ verb, plural: asked }) => {
      if (away && verb === 'get' && asked === plural) throw unreachable();
    };
    await stage.start();
    await stage.pass(700);
    assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
    away = false;
    await stage.pass(120);
    assert.deepEqual(await stage.held('p'), []);
  });
}

test('a list that failed is not an empty list: nothing is freed before every kind is read', async () => {
  await stage.pool('p', { '10.6.0.1': recordOf('gone') });
  stage.kube.before = ({ verb, plural }) => {
    if (verb === 'list' && plural === 'pods') throw unreachable();
  };
  await stage.start();
  await stage.pass(120);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
  stage.kube.before = () => {};
  await stage.pass(60);
  assert.deepEqual(await stage.held('p'), []);
});

test('a record that a new pod took over meanwhile is not freed', async () => {
  await stage.pool('p', { '10.6.0.1': recordOf('gone') });
  let done = false;
  stage.kube.before = async ({ verb, plural }) => {
    if (done || verb !== 'patch' || plural !== 'spiderippools') return;
    done = true;
    await stage.kube.updateStatus(resources.spiderIPPools, {
      ...(await stage.kube.get(resources.spiderIPPools, { name: 'p' })),
      status: { allocatedIPs: JSON.stringify({ '10.6.0.1': recordOf('new') }) },
    });
    await stage.pod('new');
  };
  await stage.start();
  await stage.pass(10);
  assert.equal(done, true);
  assert.deepEqual(await stage.held('p'), ['10.6.0.1']);
});

test('a write beside one of an agent loses nothing of it', async () => {
  await stage.pod('new');
  await stage.pool('p', { '10.6.0.1': recordOf('gone') });
  let done = false;
  stage.kube.before = async ({ verb, plural }) => {
    if (done || verb !== 'patch' || plural !== 'spiderippools') return;
    done = true;
    const records = { '10.6.0.1': recordOf('gone'), '10.6.0.2': recordOf('new') };
    await stage.kube.updateStatus(resources.spiderIPPools, {
      ...(await stage.kube.get(resources.spiderIPPools, { name: 'p' })),
      status: { allocatedIPs: JSON.stringify(records) },
    });
  };
  await stage.start();
  await stage.pass(5);
  assert.deepEqual(await stage.held('p'), ['10.6.0.2']);
  assert.deepEqual(stage.counts, { freed: 1, failed: 0, conflicted: 1 });
});

test('an endpoint without pod and record is removed, and finalizers of others stay', async () => {
  await stage.endpoint('ours', { finalizers: [SPIDERPOOL_FINALIZER] });
  await stage.endpoint('theirs', { finalizers: ['example.com/hold', SPIDERPOOL_FINALIZER] });
  await stage.pod('runs');
  await stage.endpoint('runs', { finalizers: [SPIDERPOOL_FINALIZER] });
  await stage.start();
  await stage.pass(5);
  assert.deepEqual(await stage.endpoints(), ['theirs', 'runs']);
  const theirs = await stage.kube.get(resources.spiderEndpoints, ref('theirs'));
  assert.deepEqual(theirs.metadata.finalizers, ['example.com/hold']);
  assert.notEqual(theirs.metadata.deletionTimestamp, undefined);
});

test('a pool whose records cannot be read does not stop the others', async () => {
  await stage.pool('good', { '10.6.0.1': recordOf('gone') });
  const spec = { subnet: '10.7.0.0/16', ips: [], default: false, disable: false };
  const status = { allocatedIPs: '{"10.7.0.1":' };
  await stage.kube.create(resources.spiderIPPools, { metadata: { name: 'bad' }, spec, status });
  await stage.start();
  await stage.pass(10);
  assert.deepEqual(await stage.held('good'), []);
  const bad = await stage.kube.get(resources.spiderIPPools, { name: 'bad' });
  assert.equal(bad.status?.allocatedIPs, status.allocatedIPs);
});
