// The kubelet's own Node object: registered, given its addresses, and Ready while the cluster's network is.

import { type Condition, type Node, resources } from '#api';
import { isOrbError } from '#base';
import type { KubeClient } from '#kube';

/** What a kubelet is told about its node. */
export interface NodeFacts {
  readonly name: string;
  /** Of the node, the primary family first; those in the Node object where absent. */
  readonly addresses?: readonly string[];
  readonly podCidrs?: readonly string[];
}

/** The Node object, made where there is none. */
export async function registerNode(client: KubeClient, facts: NodeFacts): Promise<Node> {
  const { name, podCidrs = [] } = facts;
  try {
    return await client.get(resources.nodes, { name });
  } catch (error) {
    if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
  }
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' };
  const spec = podCidrs[0] === undefined ? {} : { podCIDR: podCidrs[0], podCIDRs: [...podCidrs] };
  return client.create(resources.nodes, { metadata: { name, labels }, spec });
}

export function internalAddresses(node: Node): string[] {
  const addresses = node.status?.addresses ?? [];
  return addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
}

/** The Ready condition; `problem` is why the network is not ready. */
export function readyCondition(problem: string | undefined): Omit<Condition, 'lastTransitionTime'> {
  if (problem === undefined) {
    return {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      message: 'kubelet is posting ready status',
    };
  }
  const message = `container runtime network not ready: ${problem}`;
  return { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message };
}

/** Writes addresses and readiness; nothing where the object already says so. */
export async function reportNode(
  client: KubeClient,
  facts: NodeFacts,
  ready: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): Promise<void> {
  const node = await registerNode(client, facts);
  const addresses = [
    ...(facts.addresses ?? internalAddresses(node)).map((address) => ({ type: 'InternalIP', address })),
    { type: 'Hostname', address: facts.name },
  ];
  const before = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const same = before?.status === ready.status && before.message === ready.message;
  if (same && JSON.stringify(node.status?.addresses) === JSON.stringify(addresses)) return;
  const lastTransitionTime = before?.status === ready.status ? before.lastTransitionTime : now;
  const others = (node.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
  const conditions = [...others, { ...ready, lastTransitionTime: lastTransitionTime ?? now }];
  const body = { status: { addresses, conditions, nodeInfo: { kubeletVersion: 'orbweaver-lab' } } };
  await client.patch(resources.nodes, { name: facts.name }, { type: 'merge', body, subresource: 'status' });
}
