// Agents on a fake API server, for the tests of this folder.

import { type Pod, type PoolAllocations, resources, type SpiderIPPool } from '#api';
import { silentLogger, systemClock } from '#base';
import type { Allocation, AllocationRequest } from '#cni';
import { noProvider } from '#iaas/testing';
import { formatCidr, parseAddress } from '#ip';
import { FakeKube } from '#kube/testing';
import { ClusterView } from '../cluster-view.ts';
import { Allocator, type AllocatorOptions } from './allocator.ts';
import { silentIpamMetrics } from './metrics.ts';

const running: Allocator[] = [];

/** Call it after each test. */
export async function stopAgents(): Promise<void> {
  await Promise.all(running.splice(0).map((allocator) => allocator.stop()));
}

export async function cluster(
  pools: Record<string, Partial<SpiderIPPool['spec'] & object>>,
): Promise<FakeKube> {
  const kube = new FakeKube();
  await kube.create(resources.namespaces, { metadata: { name: 'default' } });
  await kube.create(resources.nodes, { metadata: { name: 'node1' } });
  for (const [name, spec] of Object.entries(pools)) await createPool(kube, name, spec);
  return kube;
}

export function createPool(kube: FakeKube, name: string, spec: Partial<SpiderIPPool['spec'] & object>) {
  const defaults = { subnet: '10.6.0.0/16', default: false, disable: false };
  return kube.create(resources.spiderIPPools, { metadata: { name }, spec: { ...defaults, ...spec } });
}

type AgentChanges = Partial<Omit<AllocatorOptions, 'client' | 'view'>>;

export async function agent(kube: FakeKube, options: AgentChanges = {}): Promise<Allocator> {
  const allocator = unstarted(kube, options);
  await allocator.start();
  return allocator;
}

export function unstarted(
  kube: FakeKube,
  { nodeName = 'node1', log = silentLogger, ...changes }: AgentChanges = {},
): Allocator {
  const edges = { client: kube, clock: systemClock, log, nodeName };
  const allocator = new Allocator({
    requests: { running: 0 },
    ...edges,
    view: new ClusterView(edges),
    metrics: silentIpamMetrics,
    agentNamespace: 'kube-system',
    families: [4, 6],
    fixedForStatefulSets: true,
    fixedForVirtualMachines: true,
    addressRestMs: 30_000,
    iaas: noProvider,
    parentMac: () => undefined,
    madeLink: () => undefined,
    ...changes,
  });
  running.push(allocator);
  return allocator;
}

export function pod(kube: FakeKube, name: string, annotations: Record<string, string> = {}): Promise<Pod> {
  const metadata = { name, namespace: 'default', annotations };
  return kube.create(resources.pods, { metadata, spec: { nodeName: 'node1', containers: [] } });
}

/** A request, whose `ipam` object names these pools. */
export function add(
  podName: string,
  { ipam, ...more }: Partial<AllocationRequest> & { readonly ipam?: object } = {},
): AllocationRequest {
  return {
    containerId: `sandbox-of-${podName}`,
    interfaceName: 'eth0',
    podNamespace: 'default',
    podName,
    podUid: undefined,
    conf: {
      name: 'net',
      type: 'macvlan',
      ipam: { type: 'spiderpool', default_ipv4_ippool: ['v4'], ...ipam },
    },
    requested: {},
    requestedMacs: {},
    parentNetworks: async () => [],
    signal: AbortSignal.timeout(20_000),
    log: silentLogger,
    ...more,
  };
}

/** The release of everything that the pod holds, or of one NIC. */
export function del(podName: string, podUid: string, nic?: string) {
  const signal = AbortSignal.timeout(20_000);
  return {
    podNamespace: 'default',
    podName,
    podUid,
    nic,
    held: [{ address: parseAddress('10.6.0.1'), heldIn: 'v4' }],
    signal,
    log: silentLogger,
  };
}

export async function records(kube: FakeKube, name = 'v4'): Promise<PoolAllocations> {
  const pool = await kube.get(resources.spiderIPPools, { name });
  return JSON.parse(pool.status?.allocatedIPs ?? '{}') as PoolAllocations;
}

export function texts({ addresses }: Allocation): string[] {
  return addresses.map(({ nic, address }) => `${nic} ${formatCidr(address)}`);
}
