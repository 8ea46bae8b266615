// The kubelet's own Node object: created, given its addresses, and Ready while the cluster's network is ready.

import { isDeepStrictEqual } from 'node:util';
import { type Condition, type Node, resources } from '#api';
import { isOrbError } from '#base';
import type { KubeClient } from '#kube';
import { architecture, machineOf } from './node-machine.ts';

/** What a kubelet knows about its node at the start. */
export interface NodeFacts {
  readonly name: string;
  /** The addresses of the node, the primary family first. If absent, those of the Node object are used. */
  readonly addresses?: readonly string[];
  readonly podCidrs?: readonly string[];
}

/** The labels that every kubelet gives its node. */
export function nodeLabels(name: string): Record<string, string> {
  return { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': architecture };
}

/** The Node object; it is created if there is none. */
export async function registerNode(client: KubeClient, facts: NodeFacts): Promise<Node> {
  const { name, podCidrs = [] } = facts;
  try {
    return await client.get(resources.nodes, { name });
  } catch (error) {
    if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
  }
  const labels = nodeLabels(name);
  const spec = podCidrs[0] === undefined ? {} : { podCIDR: podCidrs[0], podCIDRs: [...podCidrs] };
  return client.create(resources.nodes, { metadata: { name, labels }, spec });
}

export function internalAddresses(node: Node): string[] {
  const addresses = node.status?.addresses ?? [];
  return addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
}

/** A condition before it is compared with the one on the Node. */
type Reported = Omit<Condition, 'lastTransitionTime'>;

/** The Ready condition; `problem` says why the network is not ready. */
export function readyCondition(problem: string | undefined): Reported {
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

/** The pressure conditions. A lab's machine always reports that it has enough. */
const sufficient: readonly Reported[] = [
  ['MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
].map(([type = '', reason, message]) => ({ type, status: 'False' as const, reason, message }));

/**
 * How often a node without changes updates its status (kubelet's nodeStatusReportFrequency). Between updates, its lease shows that it is
 * alive.
 */
const HEARTBEAT_MS = 5 * 60_000;

/** Writes addresses, conditions and the facts of the machine. It writes nothing if the object already has them. */
export async function reportNode(
  client: KubeClient,
  facts: NodeFacts,
  ready: Reported,
  now: string,
): Promise<void> {
  const node = await registerNode(client, facts);
  const addresses = [
    ...(facts.addresses ?? internalAddresses(node)).map((address) => ({ type: 'InternalIP', address })),
    { type: 'Hostname', address: facts.name },
  ];
  const reported = [...sufficient, ready];
  const before = node.status?.conditions ?? [];
  const status = { addresses, ...machineOf(facts.name) };
  const conditions = reported.map((it): Condition => {
    const { status: was, lastTransitionTime } = before.find(({ type }) => type === it.type) ?? {};
    return {
      ...it,
      lastHeartbeatTime: now,
      lastTransitionTime: (was === it.status && lastTransitionTime) || now,
    };
  });
  if (isSaid(node, { ...status, conditions }) && !isOld(before, now)) return;
  const others = before.filter(({ type }) => !reported.some((it) => it.type === type));
  const body = { status: { ...status, conditions: [...others, ...conditions] } };
  await client.patch(resources.nodes, { name: facts.name }, { type: 'merge', body, subresource: 'status' });
}

function isSaid({ status = {} }: Node, wanted: NonNullable<Node['status']>): boolean {
  const timeless = ({ lastHeartbeatTime: _beat, lastTransitionTime: _since, ...rest }: Condition) => rest;
  const conditions = (wanted.conditions ?? []).every((it) =>
    status.conditions?.some((one) => one.type === it.type && isDeepStrictEqual(timeless(one), timeless(it))),
  );
  const { conditions: _conditions, ...rest } = wanted;
  const fields = Object.entries(rest) as [keyof typeof rest, unknown][];
  return conditions && fields.every(([field, value]) => isDeepStrictEqual(status[field], value));
}

function isOld(conditions: readonly Condition[], now: string): boolean {
  const beat = conditions.find(({ type }) => type === 'Ready')?.lastHeartbeatTime;
  return Date.parse(now) - Date.parse(beat ?? '1970-01-01T00:00:00Z') >= HEARTBEAT_MS;
}
