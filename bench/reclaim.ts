// A full scan of the controller: 10,000 recorded addresses in 20 pools, 100 of them leaked.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crdManifests, type KubeObject, type ResourceType, resources } from '#api';
import { silentLogger } from '#base';
import { connect, type KubeClient, kubeconfigFile } from '#kube';
import { defaultReclaimSettings } from '#plan/reclaim';
import { limitRow, type Row } from './row.ts';

const POOLS = 20;
const RECORDS_OF_POOL = 500;
const LEAKED_OF_POOL = 5;
const PARALLEL = 32;
const GIVE_UP_MS = 120_000;
const patienceMs = defaultReclaimSettings.unknownNodePatienceMs;
const lists = [
  resources.pods,
  resources.spiderEndpoints,
  resources.spiderIPPools,
  resources.nodes,
  resources.statefulSets,
];

/** Node's usual young space costs 80 MB here (docs/controller.md). */
const YOUNG_SPACE = '--max-semi-space-size=4';

function program(name: string, ...flags: readonly string[]): ChildProcess {
  const argv = [YOUNG_SPACE, join(import.meta.dirname, `../dist/${name}.mjs`), ...flags];
  return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function end(child: ChildProcess): Promise<void> {
  child.kill();
  if (child.exitCode === null) await once(child, 'exit');
}

/** A running pod of one of 100 nodes, as a cluster has it, with its endpoint. */
function podAndEndpoint(name: string, uid: string, address: string, node: string): KubeObject[] {
  const metadata = { name, namespace: 'default' };
  const ips = [{ interface: 'eth0', ipv4: `${address}/16`, vlan: 0 }];
  return [
    resources.pods.schema.parse({
      metadata: { ...metadata, uid, labels: { app: 'bench' } },
      spec: { nodeName: node, containers: [{ name: 'c', image: 'registry.example/app:1' }] },
      status: { phase: 'Running', podIPs: [{ ip: address }] },
    }),
    resources.spiderEndpoints.schema.parse({
      metadata,
      status: { current: { uid, node, ips }, ownerControllerType: 'Pod', ownerControllerName: name },
    }),
  ];
}

/** Makes the pods first, because the server chooses their UIDs. The endpoints of leaked pods went with the pods. */
async function makeCluster(client: KubeClient): Promise<void> {
  for (const crd of crdManifests()) await client.create(resources.customResourceDefinitions, crd);
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  await inParallel(numbers, (i) => client.create(resources.nodes, { metadata: { name: `node${i}` } }));
  for (let pool = 0; pool < POOLS; pool++) {
    const records: Record<string, object> = {};
    const places = Array.from({ length: RECORDS_OF_POOL }, (_, i) => i);
    await inParallel(places, async (i) => {
      const name = `pod-${pool}-${i}-x`;
      const address = `10.${pool + 1}.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`;
      const podUid = i < LEAKED_OF_POOL ? `gone-${pool}-${i}` : await makePod(client, name, address, i % 100);
      records[address] = { pod: `default/${name}`, podUid, nic: 'eth0' };
    });
    const spec = { subnet: `10.${pool + 1}.0.0/16`, ips: [`10.${pool + 1}.1.1-10.${pool + 1}.2.250`] };
    const made = await client.create(
      resources.spiderIPPools,
      resources.spiderIPPools.schema.parse({ metadata: { name: `pool-${pool}` }, spec }),
    );
    const status = { allocatedIPs: JSON.stringify(records), allocatedIPCount: RECORDS_OF_POOL };
    await client.updateStatus(resources.spiderIPPools, { ...made, status });
  }
}

async function makePod(client: KubeClient, name: string, address: string, node: number): Promise<string> {
  const [pod, endpoint] = podAndEndpoint(name, '', address, `node${node}`) as [KubeObject, KubeObject];
  const { uid: _, ...metadata } = pod.metadata;
  const made = await client.create(resources.pods, { ...pod, metadata });
  await client.updateStatus(resources.pods, { ...made, ...{ status: (pod as { status?: object }).status } });
  const uid = made.metadata.uid ?? '';
  const { status } = endpoint as unknown as { status: { current: object } };
  const current = { ...status.current, uid };
  await client.create(resources.spiderEndpoints as ResourceType, {
    ...endpoint,
    ...{ status: { ...status, current } },
  });
  return uid;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** The version of the newest write of any object. */
async function newestVersion(client: KubeClient): Promise<number> {
  return Number((await client.list(resources.nodes)).resourceVersion);
}

async function leaked(client: KubeClient): Promise<number> {
  const { items } = await client.list(resources.spiderIPPools);
  const held = items.map(({ status }) => status?.allocatedIPs?.match(/"gone-/g)?.length ?? 0);
  return held.reduce((sum, each) => sum + each, 0);
}

/** Measures the time from the start of the controller's program until the last leaked address is free, without its rest. */
export async function benchReclaim(): Promise<Row[]> {
  const folder = mkdtempSync('/var/tmp/orbweaver-bench-');
  const file = (name: string) => join(folder, name);
  writeFileSync(file('token'), 'a-token-of-the-benchmark-that-is-long-enough', { mode: 0o600 });
  const server = program(
    'apiserver',
    ...['--data-dir', file('api'), '--token-file', file('token')],
    ...['--kubeconfig', file('kubeconfig'), '--listen', '127.0.0.1:0'],
  );
  await once(server.stdout as NodeJS.ReadableStream, 'data');
  const client = connect(kubeconfigFile(file('kubeconfig')), { log: silentLogger });
  let controller: ChildProcess | undefined;
  try {
    await makeCluster(client);
    const readingBegan = performance.now();
    for (const type of lists) await client.list(type as ResourceType);
    const readingSeconds = (performance.now() - readingBegan) / 1000;
    const began = performance.now();
    const ports = ['--health-port', 'none', '--webhook-port', 'none'];
    controller = program('controller', '--kubeconfig', file('kubeconfig'), ...ports);
    controller.stdout?.resume();
    // Nobody says which node the leaked pods had, so their addresses rest first. Other writes of the start end meanwhile.
    await sleep(patienceMs - 1000);
    const before = await newestVersion(client);
    while ((await leaked(client)) > 0) {
      if (performance.now() - began > GIVE_UP_MS)
        throw new Error('the controller did not free the addresses');
      await sleep(50);
    }
    const seconds = (performance.now() - began - patienceMs) / 1000;
    const writes = (await newestVersion(client)) - before;
    const status = readFileSync(`/proc/${controller.pid}/status`, 'utf8');
    const resident = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
    const name = `full scan of ${POOLS * RECORDS_OF_POOL} records, ${POOLS * LEAKED_OF_POOL} leaked`;
    return [
      limitRow(
        `${name}, start of the controller included, rest of ${patienceMs / 1000} s left out : reading the same lists`,
        's',
        seconds,
        5,
        readingSeconds,
      ),
      limitRow(`${name}: all writes, those of the lease too`, 'writes', writes, 30),
      limitRow('controller with 10,000 pods, resident', 'MB', resident, 250),
    ];
  } finally {
    if (controller !== undefined) await end(controller);
    client.close();
    await end(server);
    rmSync(folder, { recursive: true, force: true });
  }
}
