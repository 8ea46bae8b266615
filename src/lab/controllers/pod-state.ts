// The questions of workloads about pods and conditions.

import type { Condition, Pod } from '#api';

/** Whether the pod is ready: the Ready condition. */
export function isReady({ status }: Pod): boolean {
  return (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
}

export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

export function isFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** Whether the pod counts as a replica. */
export function isActive(pod: Pod): boolean {
  return !isTerminating(pod) && !isFinished(pod);
}

/** Replaces the condition of the same type by `wanted`. The time of its last transition is kept while its status is the same. */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  wanted: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): Condition[] {
  const before = conditions?.find(({ type }) => type === wanted.type);
  const since = before?.status === wanted.status ? before.lastTransitionTime : now;
  const others = (conditions ?? []).filter(({ type }) => type !== wanted.type);
  return [...others, { ...wanted, lastTransitionTime: since ?? now }];
}
