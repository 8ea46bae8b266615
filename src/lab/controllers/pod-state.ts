// What workloads ask about pods and conditions.

import type { Condition, Pod } from '#api';

/** Whether it serves: the Ready condition. */
export function isReady({ status }: Pod): boolean {
  return (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
}

export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

export function isFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** Whether it counts as a replica. */
export function isActive(pod: Pod): boolean {
  return !isTerminating(pod) && !isFinished(pod);
}

/** `wanted` in place of the condition of its type; the time of its last transition stays while its status does. */
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
