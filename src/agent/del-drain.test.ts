// Hundreds of DELs after a node has rebooted: their namespaces are gone, all of them are queued. Counted, not timed.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { resources } from '#api';
import { OrbError, silentLogger, systemClock } from '#base';
import { type AgentParts, type CniRequest, Dispatcher, pluginsOf, requestFrame, servedTypes } from '#cni';
import { noProvider } from '#iaas/testing';
import { FakeKube } from '#kube/testing';
import { refusal } from '#net';
import { FakeNamespace } from '#net/testing';
import { type AttachmentRecord, Attachments, DelQueue, MemoryStateFiles } from '#node';
import { ClusterView } from './cluster-view.ts';
import { DelReplay } from './del-replay.ts';
import { Gate } from './gate.ts';
import { Allocator, type IpamMetrics } from './ipam/index.ts';
import { silentIpamMetrics } from './ipam/metrics.ts';

const PODS = 300;
let running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.map((each) => each.stop()));
  running = [];
});

const containerOf = (i: number) => i.toString(16).padStart(64, '0');
const addressOf = (i: number) => `10.6.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`;

function recordOf(i: number): AttachmentRecord {
  const netConf = { cniVersion: '1.0.0', name: 'net' };
  return {
    version: 1,
    containerId: containerOf(i),
    interfaceName: 'eth0',
    netns: { path: `/run/netns/cni-${i}` },
    network: 'net',
    pod: { namespace: 'default', name: `p${i}`, uid: `u${i}` },
    createdAt: '2030-01-01T00:00:00.000Z',
    ipam: {
      state: 'done',
      netConf: { ...netConf, type: 'spiderpool' },
      result: {},
      addresses: [{ address: `${addressOf(i)}/16`, pool: 'v4', nic: 'eth0' }],
    },
    coordinator: { state: 'done', netConf: { ...netConf, type: 'coordinator' }, result: {} },
  };
}

function delOf(i: number, type: string): CniRequest {
  return {
    type,
    shimVersion: '1',
    id: `${type === 'coordinator' ? '1' : '2'}${i.toString(16).padStart(15, '0')}`,
    deadlineMs: 1000,
    variables: {
      CNI_COMMAND: 'DEL',
      CNI_CONTAINERID: containerOf(i),
      CNI_IFNAME: 'eth0',
      CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=p${i};K8S_POD_UID=u${i}`,
    },
    stdin: JSON.stringify({
      cniVersion: '1.0.0',
      name: 'net',
      type: type === 'coordinator' ? type : 'macvlan',
      ipam: { type: 'spiderpool' },
    }),
  };
}

/** An agent after a reboot: records and queue of 300 pods, the pool full of their addresses. */
async function afterReboot() {
  const kube = new FakeKube();
  const held = Object.fromEntries(
    Array.from({ length: PODS }, (_, i) => [
      addressOf(i),
      { pod: `default/p${i}`, podUid: `u${i}`, nic: 'eth0', interface: 'eth0' },
    ]),
  );
  const pool = await kube.create(resources.spiderIPPools, {
    metadata: { name: 'v4' },
    spec: { subnet: '10.6.0.0/16', ips: ['10.6.1.1-10.6.2.250'], default: false, disable: false },
  });
  await kube.updateStatus(resources.spiderIPPools, {
    ...pool,
    status: { allocatedIPs: JSON.stringify(held), allocatedIPCount: PODS, totalIPCount: 500 },
  });
  await kube.create(resources.nodes, { metadata: { name: 'node1' } });
  const files = new MemoryStateFiles();
  const attachments = await Attachments.open(files, silentLogger);
  const queue = new DelQueue(new MemoryStateFiles(), silentLogger);
  for (let i = 0; i < PODS; i++) {
    await attachments.put(recordOf(i));
    for (const type of ['coordinator', 'spiderpool']) {
      const request = delOf(i, type);
      await queue.add({ request: request.id, bytes: requestFrame(request) });
    }
  }
  const edges = { client: kube, clock: systemClock, log: silentLogger, nodeName: 'node1' };
  const view = new ClusterView(edges);
  let writes = 0;
  const metrics: IpamMetrics = { ...silentIpamMetrics, wrote: () => (writes += 1) };
  const ipam = new Allocator({
    requests: { running: 0 },
    ...edges,
    view,
    metrics,
    agentNamespace: 'kube-system',
    families: [4],
    fixedForStatefulSets: true,
    fixedForVirtualMachines: true,
    addressRestMs: 30_000,
    iaas: noProvider,
    parentMac: () => undefined,
    madeLink: () => undefined,
  });
  const gone = async (path: string): Promise<never> => {
    throw refusal({
      doing: `open ${path}`,
      subject: path,
      errno: 'ENOENT',
      words: 'No such file or directory',
    });
  };
  const parts = {
    attachments,
    sources: new Map([['spiderpool', ipam]]),
    node: new FakeNamespace({}),
    openNamespace: gone,
  };
  const dispatcher = new Dispatcher(pluginsOf(servedTypes, parts as unknown as AgentParts), {
    isOwnNetns: async () => false,
    ready: async () => {},
    keep: async () => {},
  });
  const gate = new Gate(16, systemClock);
  const replay = new DelReplay({
    ...edges,
    queue,
    attachments,
    dispatcher: () => dispatcher,
    types: servedTypes,
    gate,
  });
  running.push(replay, ipam);
  const left = async () => {
    const { status } = await kube.get(resources.spiderIPPools, { name: 'v4' });
    const records = attachments.all();
    return {
      queued: (await queue.list()).length,
      held: Object.keys(JSON.parse(status?.allocatedIPs ?? '{}') as object).length,
      coordinator: records.filter(({ coordinator }) => coordinator !== undefined).length,
      ipam: records.filter(({ ipam: part }) => part !== undefined).length,
    };
  };
  return { kube, ipam, replay, left, writes: () => writes };
}

test(`${2 * PODS} queued DELs leave nothing, and share the writes of their pool`, async () => {
  const { ipam, replay, left, writes } = await afterReboot();
  await ipam.start();
  await replay.start();
  assert.deepEqual(await left(), { queued: 0, held: 0, coordinator: 0, ipam: 0 });
  // One at a time, it would be one write for each.
  assert.ok(writes() <= PODS / 4, `${writes()} writes`);
});

test('without the API server, DELs clean the node, and the agent asks the API server a few times, not hundreds', async () => {
  const { kube, ipam, replay, left } = await afterReboot();
  await ipam.start();
  let away = true;
  let asked = 0;
  kube.before = ({ plural }) => {
    if (!away || plural !== 'spiderippools') return;
    asked += 1;
    throw new OrbError('KUBE_UNREACHABLE', { message: 'away' });
  };
  await replay.start();
  // A release asks twice: the write, and a read to learn whether it was taken.
  assert.ok(asked > 0 && asked <= 16, `asked ${asked} times`);
  away = false;
  assert.deepEqual(await left(), { queued: PODS, held: PODS, coordinator: 0, ipam: PODS });
  await replay.clusterKnown();
  assert.deepEqual(await left(), { queued: 0, held: 0, coordinator: 0, ipam: 0 });
});
