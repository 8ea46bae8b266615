// The status of a pod as its kubelet reports it.

import type { Condition, ContainerStatus, Pod, PodStatus } from '#api';
import type { ContainerEnd } from './processes.ts';

/** What the kubelet knows of a running pod. */
export interface RunningPod {
  readonly containerId: string;
  /** The addresses of the pod, the primary family first. */
  readonly addresses: readonly string[];
  readonly nodeAddresses: readonly string[];
  /** RFC 3339. */
  readonly now: string;
}

/** A status whose conditions keep their transition times while they do not change. */
function withConditions(
  pod: Pod,
  wanted: readonly Pick<Condition, 'type' | 'status' | 'reason'>[],
  now: string,
) {
  const before = pod.status?.conditions ?? [];
  return wanted.map((condition) => {
    const known = before.find(({ type, status }) => type === condition.type && status === condition.status);
    return { ...condition, lastTransitionTime: known?.lastTransitionTime ?? now };
  });
}

function familyFirst(addresses: readonly string[], nodeAddresses: readonly string[]): string[] {
  const isV6 = (address: string) => address.includes(':');
  const primaryIsV6 = isV6(nodeAddresses[0] ?? '');
  const primary = addresses.find((address) => isV6(address) === primaryIsV6);
  const secondary = addresses.find((address) => isV6(address) !== primaryIsV6);
  return [primary, secondary].filter((address) => address !== undefined);
}

function containerStatuses(pod: Pod, containerId: string, startedAt: string | undefined): ContainerStatus[] {
  return (pod.spec?.containers ?? []).map(({ name, image = '' }) => ({
    name,
    image,
    imageID: '',
    restartCount: 0,
    ready: startedAt !== undefined,
    started: startedAt !== undefined,
    ...(startedAt !== undefined && { containerID: `lab://${containerId}` }),
    state:
      startedAt === undefined ? { waiting: { reason: 'ContainerCreating' } } : { running: { startedAt } },
  }));
}

function hostFields(nodeAddresses: readonly string[]): Pick<PodStatus, 'hostIP' | 'hostIPs'> {
  const [hostIP] = nodeAddresses;
  if (hostIP === undefined) return {};
  return { hostIP, hostIPs: nodeAddresses.map((ip) => ({ ip })) };
}

/** The status of a pod whose sandbox and containers run. */
export function runningStatus(pod: Pod, running: RunningPod): PodStatus {
  const { containerId, nodeAddresses, now } = running;
  const addresses = familyFirst(running.addresses, nodeAddresses);
  const conditions = ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
    type,
    status: 'True' as const,
  }));
  return {
    phase: 'Running',
    conditions: withConditions(pod, conditions, now),
    ...hostFields(nodeAddresses),
    ...(addresses[0] !== undefined && { podIP: addresses[0] }),
    podIPs: addresses.map((ip) => ({ ip })),
    startTime: pod.status?.startTime ?? now,
    containerStatuses: containerStatuses(pod, containerId, now),
  };
}

/** The status of a pod that the kubelet has accepted and that does not run yet. */
export function pendingStatus(
  pod: Pod,
  { nodeAddresses, now }: Pick<RunningPod, 'nodeAddresses' | 'now'>,
): PodStatus {
  const notReady = { status: 'False', reason: 'ContainersNotReady' } as const;
  const conditions = [
    { type: 'Initialized', status: 'True' as const },
    { type: 'Ready', ...notReady },
    { type: 'ContainersReady', ...notReady },
    { type: 'PodScheduled', status: 'True' as const },
  ];
  return {
    phase: 'Pending',
    conditions: withConditions(pod, conditions, now),
    ...hostFields(nodeAddresses),
    startTime: pod.status?.startTime ?? now,
    containerStatuses: containerStatuses(pod, '', undefined),
  };
}

/** The status of a pod whose containers have all ended. */
export function endedStatus(
  pod: Pod,
  containerId: string,
  ends: readonly ContainerEnd[],
  now: string,
): PodStatus {
  const over = { status: 'False', reason: 'PodCompleted' } as const;
  const conditions = [
    { type: 'Initialized', status: 'True' as const, reason: 'PodCompleted' },
    { type: 'Ready', ...over },
    { type: 'ContainersReady', ...over },
    { type: 'PodScheduled', status: 'True' as const },
  ];
  const statuses = (pod.spec?.containers ?? []).map(({ name, image = '' }): ContainerStatus => {
    const end = ends.find(({ container }) => container === name);
    const { exitCode = 0, restarts: restartCount = 0, startedAt = now, finishedAt = now } = end ?? {};
    const containerID = `lab://${containerId}`;
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    const terminated = { exitCode, reason, startedAt, finishedAt, containerID };
    return {
      name,
      image,
      imageID: '',
      restartCount,
      ready: false,
      started: false,
      containerID,
      state: { terminated },
    };
  });
  return {
    phase: ends.every(({ exitCode }) => exitCode === 0) ? 'Succeeded' : 'Failed',
    conditions: withConditions(pod, conditions, now),
    containerStatuses: statuses,
  };
}

/** Whether the API already says that the pod runs. */
export function isRunning({ status }: Pod): boolean {
  return (
    status?.phase === 'Running' &&
    (status.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True')
  );
}
