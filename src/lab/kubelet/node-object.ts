// The kubelet's own Node object: registered, given its addresses, and Ready while the cluster's network is.

import { isDeepStrictEqual } from 'node:util';
import { type Condition, type Node, resources } from '#api';
import { isOrbError } from '#base';
import type { KubeClient } from '#kube';
import { architecture, machineOf } from './node-machine.ts';

/** What a kubelet is told about its node. */
export interface NodeFacts {
  readonly name: string;
  /** Of the node, the primary family first; those in the Node object where absent. */
  readonly addresses?: readonly string[];
  readonly podCidrs?: readonly string[];
}

/** The labels that every kubelet gives its node. */
export function nodeLabels(name: string): Record<string, string> {
  return { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': architecture };
}

/** The Node object, made where there is none. */
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

/** A condition before it is compared with the one that the Node has. */
type Reported = Omit<Condition, 'lastTransitionTime'>;

/** The Ready condition; `problem` is why the network is not ready. */
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

/** What a lab's machine never lacks. */
const sufficient: readonly Reported[] = [
  ['MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
].map(([type = '', reason, message]) => ({ type, status: 'False' as const, reason, message }));

/** A node that did not change says so this often (kubelet's nodeStatusReportFrequency); in between its lease speaks for it. */
const heartbeatMs = 5 * 60_000;

/** Writes addresses, conditions and what the machine has; nothing where the object already says so. */
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
  return Date.parse(now) - Date.parse(beat ?? '1970-01-01T00:00:00Z') >= heartbeatMs;
}
