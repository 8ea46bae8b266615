// When a pod ended, from its own object.

import type { Pod } from '#api';

/** Kubernetes' default of `terminationGracePeriodSeconds`. */
const DEFAULT_GRACE_SECONDS = 30;

/** Whether the pod's containers have ended for ever (Kubernetes: phase Succeeded or Failed). */
export function hasFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** Whether the pod's status names an address. */
export function hasAddress({ status }: Pod): boolean {
  return (status?.podIPs ?? []).length > 0 || (status?.podIP ?? '') !== '';
}

/**
 * When the grace of a deletion ends. Undefined if the pod is not being deleted. The API server has added the grace
 * period to `deletionTimestamp` already (Spiderpool adds it twice).
 */
export function deletionDueMs({ metadata }: Pod): number | undefined {
  const due = Date.parse(metadata.deletionTimestamp ?? '');
  return Number.isNaN(due) ? undefined : due;
}

/** When a finished pod's sandbox is stopped at the latest: the end of its last container and the grace period. */
export function finishDueMs(pod: Pod): number {
  return finishedMs(pod) + (pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS) * 1000;
}

/**
 * When the last container of a finished pod ended. An evicted pod may have no container states. Its conditions, start or
 * creation tell the time then.
 */
export function finishedMs({ metadata, status }: Pod): number {
  const ends = status?.containerStatuses?.map(({ state }) => state?.terminated?.finishedAt);
  const changes = status?.conditions?.map(({ lastTransitionTime }) => lastTransitionTime);
  const others = [status?.startTime, metadata.creationTimestamp];
  return latest(ends) ?? latest(changes) ?? latest(others) ?? 0;
}

function latest(times: readonly (string | null | undefined)[] = []): number | undefined {
  const known = times.map((time) => Date.parse(time ?? '')).filter((time) => !Number.isNaN(time));
  return known.length === 0 ? undefined : Math.max(...known);
}
