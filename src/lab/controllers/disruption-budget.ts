// PodDisruptionBudget: reports how many of its pods may be evicted now (kubernetes, the disruption controller).

import { type Pod, type PodDisruptionBudget, resources, selectorMatches } from '#api';
import { keyOf } from '#kube';
import { type Action, BY_NAMESPACE, splitKey, statusActions, withCondition } from '#reconcile';
import type { ClusterState, LabController } from './cluster-state.ts';
import { isActive, isReady } from './pod-state.ts';

const type = resources.podDisruptionBudgets;

/** How long a pod counts as evicted if it does not disappear (DeletionTimeout of the disruption controller). */
const EVICTION_MS = 2 * 60_000;

function belongs({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean {
  return spec?.selector !== undefined && selectorMatches(spec.selector, metadata.labels ?? {});
}

/** The bound as a number of pods. A percentage is one of `total`, and is rounded up. */
function boundOf(bound: number | string, total: number): number {
  return typeof bound === 'number' ? bound : Math.ceil((Number.parseInt(bound, 10) / 100) * total);
}

/** How many pods the owners of these pods want in all. A pod without an owner counts as one. */
function expectedOf(pods: readonly Pod[], state: ClusterState, namespace: string): number {
  const wanted = new Map<string, number>();
  for (const { metadata } of pods) {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
    const store = owner?.kind === 'StatefulSet' ? state.statefulSets : state.replicaSets;
    const replicas = owner === undefined ? undefined : store.get(owner.name, namespace)?.spec?.replicas;
    const key = replicas === undefined ? `pod ${metadata.uid}` : `owner ${owner?.uid}`;
    wanted.set(key, replicas ?? 1);
  }
  return [...wanted.values()].reduce((sum, count) => sum + count, 0);
}

function statusOf(budget: PodDisruptionBudget, pods: readonly Pod[], expected: number, now: string) {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  const desired =
    maxUnavailable === undefined
      ? boundOf(minAvailable ?? 1, expected)
      : Math.max(0, expected - boundOf(maxUnavailable, expected));
  const evicted = budget.status?.disruptedPods ?? {};
  const isGoing = (name: string, since: string | null) =>
    Date.parse(now) - Date.parse(since ?? '') < EVICTION_MS &&
    pods.some(({ metadata }) => metadata.name === name);
  const going = new Map(Object.entries(evicted).filter(([name, since]) => isGoing(name, since)));
  const healthy = pods.filter((pod) => isReady(pod) && !going.has(pod.metadata.name ?? '')).length;
  const allowed = expected === 0 ? 0 : Math.max(0, healthy - desired);
  const condition = {
    type: 'DisruptionAllowed',
    status: allowed > 0 ? ('True' as const) : ('False' as const),
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
  };
  return {
    observedGeneration: budget.metadata.generation,
    // In a merge patch, null removes the name.
    disruptedPods: Object.fromEntries(Object.keys(evicted).map((name) => [name, going.get(name) ?? null])),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: withCondition(budget.status?.conditions, condition, now),
  };
}

export const disruptionBudgetController: LabController = {
  name: 'disruption-controller',
  concerns: (kind, object, state) => {
    if (kind === 'podDisruptionBudgets') return [keyOf(object)];
    if (kind !== 'pods') return [];
    const budgets = state.podDisruptionBudgets.by(BY_NAMESPACE, object.metadata.namespace ?? '');
    return budgets.filter((it) => belongs(it, object as Pod)).map(keyOf);
  },
  plan: (key, state, now): Action[] => {
    const { namespace, name } = splitKey(key);
    const budget = state.podDisruptionBudgets.get(name, namespace);
    if (budget === undefined) return [];
    const pods = state.pods
      .by(BY_NAMESPACE, namespace)
      .filter((pod) => isActive(pod) && belongs(budget, pod));
    const status = statusOf(budget, pods, expectedOf(pods, state, namespace), now);
    // An eviction writes the same fields. The resourceVersion prevents that an older count overwrites them.
    const { resourceVersion } = budget.metadata;
    return statusActions(type, budget, status).map((action) =>
      action.verb === 'patch'
        ? { ...action, body: { ...action.body, metadata: { resourceVersion } } }
        : action,
    );
  },
};
