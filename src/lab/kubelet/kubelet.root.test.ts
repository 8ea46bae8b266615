// The kubelet with the reference plugins, in network and mount namespaces of its own: the test runs itself again inside.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NETWORK_STATUS_ANNOTATION, parseNetworkStatus, resources } from '#api';
import { readPodRecords } from '../pod-record.ts';
import { eventually, ip, TestNode } from './node-fixture.ts';

const inside = 'ORBWEAVER_TEST_NAMESPACES';

async function dualStackPod(t: TestContext): Promise<void> {
  const node = new TestNode(t);
  node.writeClusterNetwork();
  await node.start();
  await node.createPod('web');
  const pod = await node.running('web');
  assert.equal(pod.status?.podIP, '10.244.1.2');
  assert.deepEqual(pod.status?.podIPs, [{ ip: '10.244.1.2' }, { ip: 'fd00:10:244:1::2' }]);
  assert.equal(pod.status?.hostIP, '10.6.212.101');
  assert.equal(pod.status?.containerStatuses?.[0]?.ready, true);
  const [status] = parseNetworkStatus(pod.metadata.annotations?.[NETWORK_STATUS_ANNOTATION] ?? '');
  assert.equal(status?.name, 'cluster');
  assert.equal(status?.interface, 'eth0');
  assert.equal(status?.default, true);
  assert.deepEqual(status?.ips, ['10.244.1.2', 'fd00:10:244:1::2']);
  const [record] = readPodRecords(node.paths.podRecordFolder);
  assert.match(record?.containerId ?? '', /^[0-9a-f]{64}$/);
  const links = execFileSync('nsenter', [`--net=${record?.netns}`, 'ip', '-o', 'link'], { encoding: 'utf8' });
  assert.match(links, /lo: <LOOPBACK,UP/);
  await node.deletePod('web');
  await eventually(() => Promise.resolve(node.assertNothingLeft('cluster')));
}

async function multusNetworks(t: TestContext): Promise<void> {
  const node = new TestNode(t);
  node.writeClusterNetwork();
  const macvlan = { type: 'macvlan', master: 'lan0', mode: 'bridge', ipam: node.ipam('10.6.0.0/16') };
  const bridge = { type: 'bridge', bridge: 'br9', ipam: node.ipam('10.9.0.0/24') };
  await node.createNetwork('lan', node.conflist('lan', [macvlan, { type: 'tuning', mtu: 1400 }]));
  await node.createNetwork('storage', JSON.stringify({ cniVersion: '0.4.0', ...bridge }));
  await node.start();
  await node.createPod('both', {
    'v1.multus-cni.io/default-network': 'lan',
    'k8s.v1.cni.cncf.io/networks': 'kube-system/storage,kube-system/storage@data',
  });
  const pod = await node.running('both');
  assert.equal(pod.status?.podIP, '10.6.0.2');
  const statuses = parseNetworkStatus(pod.metadata.annotations?.[NETWORK_STATUS_ANNOTATION] ?? '');
  assert.deepEqual(
    statuses.map(({ name, interface: link, ips }) => [name, link, ips]),
    [
      ['kube-system/lan', 'eth0', ['10.6.0.2']],
      ['kube-system/storage', 'net1', ['10.9.0.2']],
      ['kube-system/storage', 'data', ['10.9.0.3']],
    ],
  );
  await node.deletePod('both');
  await eventually(() => Promise.resolve(node.assertNothingLeft('lan')));
  assert.deepEqual(node.leases('storage'), []);
}

/** Fails the first two ADDs, and writes down every call. */
function flakyPlugin(folder: string): string {
  return `cat >/dev/null
echo "$CNI_COMMAND $CNI_CONTAINERID" >>${folder}/calls
adds=$(grep -c ADD ${folder}/calls)
if [ "$CNI_COMMAND" = ADD ] && [ "$adds" -le 2 ]; then
  echo '{"cniVersion":"1.0.0","code":11,"msg":"no address","details":"pool lan is full"}'
  exit 1
fi
[ "$CNI_COMMAND" != ADD ] || echo '{"cniVersion":"1.0.0","ips":[{"address":"10.6.0.9/16"}]}'
`;
}

async function failingPlugin(t: TestContext): Promise<void> {
  const node = new TestNode(t);
  node.writePlugin('flaky', flakyPlugin(node.folder));
  const conf = node.conflist('cluster', [{ type: 'flaky' }]);
  writeFileSync(join(node.paths.confFolder, '10-cluster.conflist'), conf);
  await node.start();
  await node.createPod('web');
  assert.equal((await node.running('web')).status?.podIP, '10.6.0.9');
  const calls = execFileSync('cat', [join(node.folder, 'calls')], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  assert.deepEqual(
    calls.map(([verb]) => verb),
    ['ADD', 'DEL', 'ADD', 'DEL', 'ADD'],
  );
  const ids = calls.map(([, id]) => id);
  assert.equal(ids[0], ids[1], 'DEL is for the sandbox that failed');
  assert.equal(new Set(ids).size, 3, 'each try is made in a new sandbox');
  await eventually(async () => {
    const [event, ...more] = (await node.kube.list(resources.events)).items;
    assert.equal(event?.reason, 'FailedCreatePodSandBox');
    assert.equal(event.count, 2, 'two tries for one reason are one Event');
    assert.deepEqual(more, []);
    assert.match(
      event?.message ?? '',
      /plugin type="flaky" name="cluster" failed \(add\): no address; pool lan is full/,
    );
  });
}

async function restart(t: TestContext): Promise<void> {
  const node = new TestNode(t);
  node.writeClusterNetwork();
  await node.start();
  await node.createPod('kept');
  await node.createPod('gone');
  await node.running('kept');
  await node.running('gone');
  const before = readPodRecords(node.paths.podRecordFolder).find(({ name }) => name === 'kept');
  await node.stop();
  await node.kube.delete(resources.pods, { namespace: 'default', name: 'gone' });
  await node.start();
  await eventually(() => {
    assert.equal(readdirSync(node.paths.netnsFolder).length, 1);
    assert.deepEqual(readPodRecords(node.paths.podRecordFolder), [before]);
    return Promise.resolve();
  });
  assert.equal(node.leases('cluster').length, 2);
}

async function damagedOverRestart(t: TestContext): Promise<void> {
  const node = new TestNode(t);
  node.writeClusterNetwork();
  await node.start();
  await node.createPod('broken');
  await node.createPod('forgotten');
  await node.running('broken');
  await node.running('forgotten');
  await node.stop();
  const records = readPodRecords(node.paths.podRecordFolder);
  const [broken, forgotten] = records.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  execFileSync('nsenter', [`--net=${broken?.netns}`, 'ip', 'addr', 'flush', 'dev', 'eth0']);
  rmSync(join(node.paths.sandboxFolder, `${forgotten?.containerId}.json`));
  await node.kube.delete(resources.pods, { namespace: 'default', name: 'forgotten' });
  await node.start();
  assert.equal(node.leases('cluster').length, 2, 'GC gave back the addresses of what nobody knows');
  await eventually(async () => {
    const [event] = (await node.kube.list(resources.events)).items;
    assert.equal(event?.reason, 'FailedNetworkCheck');
    assert.equal(event.involvedObject.name, 'broken');
    assert.match(event.message ?? '', /plugin type="ptp" name="cluster" failed \(check\)/);
  });
  assert.equal((await node.pod('broken')).status?.phase, 'Running');
}

async function reportsMachine(t: TestContext): Promise<void> {
  const node = new TestNode(t);
  node.writeClusterNetwork();
  await node.start();
  await eventually(async () => {
    const { status } = await node.kube.get(resources.nodes, { name: 'node1' });
    assert.match(status?.capacity?.memory ?? '', /^[1-9]\d*Ki$/);
    assert.deepEqual(status?.allocatable, status?.capacity);
    for (const [fact, value] of Object.entries(status?.nodeInfo ?? {})) assert.ok(value, fact);
    const types = status?.conditions?.map(
      ({ type, lastHeartbeatTime }) => `${type} ${lastHeartbeatTime === undefined}`,
    );
    assert.deepEqual(types, [
      'MemoryPressure false',
      'DiskPressure false',
      'PIDPressure false',
      'Ready false',
    ]);
    const { spec } = await node.kube.get(resources.leases, { namespace: 'kube-node-lease', name: 'node1' });
    assert.equal(spec?.holderIdentity, 'node1');
  });
}

async function notReady(t: TestContext): Promise<void> {
  const node = new TestNode(t);
  node.writePlugin(
    'late',
    `cat >/dev/null
[ -e ${node.folder}/up ] || { echo '{"code":50,"msg":"agent away"}'; exit 1; }`,
  );
  const conf = node.conflist('cluster', [{ type: 'late' }], '1.1.0');
  writeFileSync(join(node.paths.confFolder, '10-cluster.conflist'), conf);
  await node.start();
  const ready = async () => {
    const { status } = await node.kube.get(resources.nodes, { name: 'node1' });
    return status?.conditions?.find(({ type }) => type === 'Ready');
  };
  await eventually(async () => {
    assert.equal((await ready())?.status, 'False');
    assert.match((await ready())?.message ?? '', /failed \(status\): agent away/);
  });
  writeFileSync(join(node.folder, 'up'), '');
  await eventually(async () => assert.equal((await ready())?.status, 'True'));
}

async function hostNetworkErrand(t: TestContext): Promise<void> {
  const node = new TestNode(t);
  node.writeClusterNetwork();
  await node.start();
  const create = (name: string, command: string[]) =>
    node.kube.create(resources.pods, {
      metadata: { name, namespace: 'default' },
      spec: {
        nodeName: 'node1',
        hostNetwork: true,
        restartPolicy: 'Never',
        containers: [{ name: 'c', image: 'i', command }],
      },
    });
  const ended = async (name: string) => {
    await eventually(async () =>
      assert.notEqual((await node.pod(name)).status?.phase ?? 'Pending', 'Pending'),
    );
    await eventually(async () => assert.notEqual((await node.pod(name)).status?.phase, 'Running'));
    return (await node.pod(name)).status;
  };
  await create('good', ['true']);
  assert.equal((await ended('good'))?.phase, 'Succeeded');
  await create('bad', ['sh', '-c', 'exit 3']);
  const bad = await ended('bad');
  assert.equal(bad?.phase, 'Failed');
  assert.equal(bad.containerStatuses?.[0]?.state?.terminated?.exitCode, 3);
  const file = join(node.folder, 'ends');
  await create('long', ['sh', '-c', `sleep 1; touch ${file}`]);
  await eventually(async () => assert.equal((await node.pod('long')).status?.phase, 'Running'));
  await node.deletePod('long');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(existsSync(file), false, 'the program of a deleted pod is ended');
}

if (process.env[inside] === undefined) {
  test('the kubelet, in namespaces of its own', { timeout: 500_000 }, () => {
    const again = ['--net', '--mount', process.execPath, fileURLToPath(import.meta.url)];
    const { NODE_TEST_CONTEXT, ...environment } = process.env;
    const run = spawnSync('unshare', again, { encoding: 'utf8', env: { ...environment, [inside]: '1' } });
    assert.equal(run.status, 0, `${run.stdout}${run.stderr}`);
  });
} else {
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', 'lan0', 'up', 'type', 'veth', 'peer', 'name', 'lan1');
  test('a pod runs with addresses of both families, and leaves nothing', dualStackPod);
  test('default-network and networks are attached, reported and detached', multusNetworks);
  test('a failing plugin causes an Event, and the next attempt uses a new sandbox', failingPlugin);
  test('a kubelet that starts again keeps running pods and removes deleted ones', restart);
  test(
    'after a restart CHECK reports broken pods, and GC releases forgotten attachments',
    damagedOverRestart,
  );
  test('a deleted pod in the network of its node ends, and its program with it', hostNetworkErrand);
  test('the node reports what its machine has, and its lease shows that the kubelet lives', reportsMachine);
  test('the node is ready only when STATUS of the cluster network succeeds', notReady);
}
