// The allocator against the embedded API server as a process: real conflicts, real watches.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { type CustomResourceDefinition, resources } from '#api';
import { isOrbError, silentLogger, systemClock } from '#base';
import { noProvider } from '#iaas/testing';
import { formatCidr } from '#ip';
import { connect, type KubeClient, kubeconfigFile } from '#kube';
import { ClusterView } from '../cluster-view.ts';
import { Allocator } from './allocator.ts';
import { silentIpamMetrics } from './metrics.ts';

const count = 120;

async function startServer(folder: string) {
  const file = (name: string) => join(folder, name);
  writeFileSync(file('token'), 'a-token-of-the-test-that-is-long-enough\n', { mode: 0o600 });
  const program = fileURLToPath(new URL('../../main/apiserver.ts', import.meta.url));
  const flags = [
    '--data-dir',
    file('data'),
    '--token-file',
    file('token'),
    '--kubeconfig',
    file('kubeconfig'),
  ];
  const server = spawn(process.execPath, [program, ...flags, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout, 'data');
  const client = connect(kubeconfigFile(file('kubeconfig')), { log: silentLogger });
  const stop = async () => {
    client.close();
    server.kill();
    await once(server, 'exit');
    rmSync(folder, { recursive: true });
  };
  return { client, stop };
}

async function installKinds(client: KubeClient): Promise<void> {
  const crds = fileURLToPath(new URL('../../../deploy/crds', import.meta.url));
  for (const name of readdirSync(crds)) {
    const crd = parseYaml(readFileSync(join(crds, name), 'utf8')) as CustomResourceDefinition;
    await client.create(resources.customResourceDefinitions, crd).catch((error: unknown) => {
      if (!isOrbError(error, 'KUBE_ALREADY_EXISTS')) throw error;
    });
  }
}

test('two agents allocate and release all addresses of one pool on the embedded API server, none twice', async () => {
  const { client, stop } = await startServer(mkdtempSync(join(tmpdir(), 'allocator-')));
  try {
    await installKinds(client);
    const spec = { subnet: '10.6.0.0/16', ips: [`10.6.1.1-10.6.1.${count}`], default: true, disable: false };
    await client.create(resources.spiderIPPools, { metadata: { name: 'v4' }, spec });
    const agents = ['node1', 'node2'].map((nodeName) => {
      const common = { client, clock: systemClock, log: silentLogger, metrics: silentIpamMetrics };
      const view = new ClusterView({ ...common, nodeName });
      return new Allocator({
        requests: { running: 0 },
        ...common,
        view,
        nodeName,
        agentNamespace: 'kube-system',
        families: [4, 6],
        fixedForStatefulSets: false,
        fixedForVirtualMachines: false,
        addressRestMs: 30_000,
        iaas: noProvider,
        parentMac: () => undefined,
        madeLink: () => undefined,
      });
    });
    await Promise.all(agents.map((agent) => agent.start()));
    const given = new Map<string, string>();
    const signal = AbortSignal.timeout(60_000);
    const call = (podName: string) => ({ podNamespace: 'default', podName, signal, log: silentLogger });
    const conf = { name: 'net', type: 'macvlan', ipam: { type: 'spiderpool' } };
    const podsOf = async (index: number, agent: Allocator, verb: 'add' | 'del') => {
      for (let pod = index; pod < count; pod += 16) {
        const name = `pod-${pod}`;
        if (verb === 'del') {
          const podUid = given.get(name) ?? '';
          await agent.release({ ...call(name), podUid, nic: undefined, held: [] });
          continue;
        }
        const metadata = { name, namespace: 'default' };
        const containers = [{ name: 'c', image: 'i' }];
        await client.create(resources.pods, {
          metadata,
          spec: { nodeName: `node${(index % 2) + 1}`, containers },
        });
        const request = {
          ...call(name),
          containerId: name,
          interfaceName: 'eth0',
          podUid: undefined,
          conf,
          requested: {},
          requestedMacs: {},
          parentNetworks: async () => [],
        };
        const allocation = await agent.allocate(request);
        given.set(name, allocation.podUid);
        given.set(allocation.addresses.map(({ address }) => formatCidr(address)).join(), name);
      }
    };
    const all = (verb: 'add' | 'del') =>
      Promise.all(
        Array.from({ length: 16 }, (_, index) => podsOf(index, agents[index % 2] as Allocator, verb)),
      );
    await all('add');
    assert.equal(given.size, 2 * count);
    const full = await client.get(resources.spiderIPPools, { name: 'v4' });
    assert.equal(full.status?.allocatedIPCount, count);
    await Promise.all(agents.map((agent) => agent.settled()));
    assert.equal((await client.list(resources.spiderEndpoints)).items.length, count);
    await all('del');
    const empty = await client.get(resources.spiderIPPools, { name: 'v4' });
    assert.deepEqual([empty.status?.allocatedIPCount, empty.status?.allocatedIPs], [0, undefined]);
    await Promise.all(agents.map((agent) => agent.stop()));
    assert.equal((await client.list(resources.spiderEndpoints)).items.length, 0);
  } finally {
    await stop();
  }
});
