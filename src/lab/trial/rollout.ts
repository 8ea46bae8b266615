// Waits for what the lab has started: first every node is ready, then every pod of the applied objects.

import { type Node, type Pod, resources, type Service, serviceSelects } from '#api';
import { type Clock, OrbError } from '#base';
import type { KubeClient } from '#kube';

/** What runs when the rollout is complete. */
export interface Rollout {
  readonly pods: readonly Pod[];
  readonly services: readonly Service[];
  /** The number of endpoints of all Services together; each family counts. */
  readonly endpoints: number;
}

export interface RolloutParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly nodeCount: number;
  readonly timeoutMs: number;
  readonly detail: (text: string) => void;
  readonly stop: AbortSignal;
}

const NAMESPACE = 'default';
const POLL_MS = 100;
const NODE_POLL_MS = 20;

function isReady({ status }: Node | Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/**
 * Resolves when every node is ready and the networks of the cluster are known. If pods were applied earlier, all would be placed on the
 * node that is ready first. Then a Service with policy Local would have no endpoint on the other node.
 */
export async function awaitCluster(parts: Omit<RolloutParts, 'detail'>): Promise<void> {
  const { client, clock, timeoutMs, stop } = parts;
  const deadline = clock.monotonic() + timeoutMs;
  for (;;) {
    const missing = [...(await missingNodes(parts)), ...(await missingNetworks(client))];
    if (missing.length === 0) return;
    if (clock.monotonic() > deadline) {
      const message = `after ${timeoutMs / 1000} s not everything is ready: ${missing.join('; ')}`;
      throw new OrbError('LAB_STEP_FAILED', { message });
    }
    await clock.sleep(NODE_POLL_MS, stop);
  }
}

async function missingNodes({
  client,
  nodeCount,
}: Pick<RolloutParts, 'client' | 'nodeCount'>): Promise<string[]> {
  const nodes = (await client.list(resources.nodes)).items;
  const ready = nodes.filter(isReady);
  if (ready.length >= nodeCount) return [];
  const names = nodes.filter((node) => !ready.includes(node)).map(({ metadata }) => metadata.name);
  return [`${ready.length} of ${nodeCount} nodes are ready, not ${names.join(', ')}`];
}

async function missingNetworks(client: KubeClient): Promise<string[]> {
  const coordinators = (await client.list(resources.spiderCoordinators)).items;
  return coordinators
    .filter(({ status }) => status?.phase !== 'Synced')
    .map(
      ({ metadata, status }) =>
        `SpiderCoordinator ${metadata.name} is not Synced: ${status?.reason ?? 'the controller has not seen it'}`,
    );
}

/** How many pods the workloads of the namespace want. A pod without a controller counts as one. */
async function wantedPods(client: KubeClient, nodeCount: number, pods: readonly Pod[]): Promise<number> {
  const [deployments, statefulSets, daemonSets] = await Promise.all([
    client.list(resources.deployments, { namespace: NAMESPACE }),
    client.list(resources.statefulSets, { namespace: NAMESPACE }),
    client.list(resources.daemonSets, { namespace: NAMESPACE }),
  ]);
  const replicas = [...deployments.items, ...statefulSets.items].map(({ spec }) => spec?.replicas ?? 1);
  const bare = pods.filter(({ metadata }) => (metadata.ownerReferences ?? []).length === 0);
  return replicas.reduce((sum, count) => sum + count, daemonSets.items.length * nodeCount + bare.length);
}

/** Resolves when all pods that the workloads want are ready. */
export async function awaitRollout({
  client,
  clock,
  nodeCount,
  timeoutMs,
  detail,
  stop,
}: RolloutParts): Promise<Rollout> {
  const deadline = clock.monotonic() + timeoutMs;
  for (;;) {
    const pods = (await client.list(resources.pods, { namespace: NAMESPACE })).items;
    const wanted = await wantedPods(client, nodeCount, pods);
    const ready = pods.filter(isReady);
    detail(`${ready.length} of ${wanted} pods ready`);
    if (wanted > 0 && ready.length >= wanted) {
      const all = (await client.list(resources.services, { namespace: NAMESPACE })).items;
      // The API server's own Service has no pods.
      const services = all.filter(({ spec }) => spec?.selector !== undefined);
      const backends = services.map((service) => {
        const families = service.spec?.clusterIPs?.length ?? 1;
        return ready.filter((pod) => serviceSelects(service, pod)).length * families;
      });
      return { pods: ready, services, endpoints: backends.reduce((sum, count) => sum + count, 0) };
    }
    if (clock.monotonic() > deadline) throw late(pods, ready.length, wanted, timeoutMs);
    await clock.sleep(POLL_MS, stop);
  }
}

function late(pods: readonly Pod[], ready: number, wanted: number, timeoutMs: number): OrbError {
  const waiting = pods
    .filter((pod) => !isReady(pod))
    .map(({ metadata, status }) => `${metadata.name} ${status?.phase ?? 'not seen by a kubelet'}`);
  const message = `after ${timeoutMs / 1000} s ${ready} of ${wanted} pods are ready`;
  return new OrbError('LAB_STEP_FAILED', {
    message,
    ...(waiting.length > 0 && { said: waiting.join(', ') }),
  });
}
