// StatefulSet: pods with fixed names, created from the first to the last and removed from the last to the first.

import { type Pod, resources, type StatefulSet } from '#api';
import { keyOf } from '#kube';
import { type Action, controlledOf, controllerKeys, splitKey, statusActions } from '#reconcile';
import type { LabController } from './cluster-state.ts';
import { isActive, isFinished, isReady, isTerminating } from './pod-state.ts';
import { BURST, podFromTemplate, templateHash } from './pod-template.ts';

const type = resources.statefulSets;
const REVISION_LABEL = 'controller-revision-hash';

/** The fields of updateStrategy that the API's type does not describe. */
interface UpdateStrategy {
  readonly type?: string;
  readonly rollingUpdate?: { readonly partition?: number };
}

function ordinalOf({ metadata }: Pod): number {
  return Number(/-(\d+)$/.exec(metadata.name ?? '')?.[1] ?? -1);
}

function revisionOf(set: StatefulSet): string {
  return `${set.metadata.name}-${templateHash(set.spec?.template)}`;
}

function podNumber(set: StatefulSet, ordinal: number): Action {
  const name = `${set.metadata.name}-${ordinal}`;
  const labels = {
    [REVISION_LABEL]: revisionOf(set),
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
  };
  const { serviceName, template } = set.spec ?? {};
  const spec = { hostname: name, ...(serviceName !== undefined && { subdomain: serviceName }) };
  return {
    verb: 'create',
    type: resources.pods,
    object: podFromTemplate(type, set, template, { name, labels, spec }),
  };
}

const remove = (object: Pod): Action => ({ verb: 'delete', type: resources.pods, object });

/** The pods of an older template that are replaced now: only the last one, and only when all are ready (RollingUpdate). */
function update(set: StatefulSet, pods: readonly Pod[]): Action[] {
  const strategy = (set.spec as { readonly updateStrategy?: UpdateStrategy } | undefined)?.updateStrategy;
  if (strategy?.type === 'OnDelete' || !pods.every((pod) => isActive(pod) && isReady(pod))) return [];
  const from = strategy?.rollingUpdate?.partition ?? 0;
  const last = pods.findLast(
    (pod) => ordinalOf(pod) >= from && pod.metadata.labels?.[REVISION_LABEL] !== revisionOf(set),
  );
  return last === undefined ? [] : [remove(last)];
}

/** The next step. With OrderedReady it is one pod at a time, and only when all pods before it are ready. */
function step(set: StatefulSet, pods: readonly Pod[]): Action[] {
  const { replicas: wanted = 1, ordinals } = set.spec ?? {};
  const first = ordinals?.start ?? 0;
  const isSurplus = (pod: Pod) => ordinalOf(pod) < first || ordinalOf(pod) >= first + wanted;
  const finished = pods.filter((pod) => isFinished(pod) && !isTerminating(pod));
  if (finished.length > 0) return finished.map(remove);
  const numbered = new Map(pods.map((pod) => [ordinalOf(pod), pod]));
  // The list ends one burst after the pods that exist: that is enough for this plan.
  const missing = Array.from(
    { length: Math.min(wanted, pods.length + BURST) },
    (_, index) => first + index,
  ).filter((ordinal) => !numbered.has(ordinal));
  const surplus = pods.filter(isSurplus).toReversed();
  if (set.spec?.podManagementPolicy === 'Parallel') {
    const moves = [
      ...missing.map((ordinal) => podNumber(set, ordinal)),
      ...surplus.filter((pod) => !isTerminating(pod)).map(remove),
    ];
    return moves.length > 0 ? moves : update(set, pods);
  }
  const unready = pods.find((pod) => !isSurplus(pod) && (!isReady(pod) || isTerminating(pod)));
  const [next] = missing;
  if (next !== undefined) {
    return unready === undefined || ordinalOf(unready) > next ? [podNumber(set, next)] : [];
  }
  const [last] = surplus;
  if (last !== undefined) return unready === undefined && !surplus.some(isTerminating) ? [remove(last)] : [];
  return update(set, pods);
}

function report(set: StatefulSet, pods: readonly Pod[]): Action[] {
  const ready = pods.filter((pod) => isActive(pod) && isReady(pod)).length;
  const revision = revisionOf(set);
  const updated = pods.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === revision).length;
  const complete = updated === pods.length && pods.length === (set.spec?.replicas ?? 1);
  const current = complete ? revision : (set.status?.currentRevision ?? revision);
  return statusActions(type, set, {
    observedGeneration: set.metadata.generation,
    replicas: pods.length,
    readyReplicas: ready,
    availableReplicas: ready,
    updatedReplicas: updated,
    currentReplicas: pods.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === current).length,
    currentRevision: current,
    updateRevision: revision,
  });
}

export const statefulSetController: LabController = {
  name: 'statefulset',
  concerns: (kind, object) => {
    if (kind === 'pods') return controllerKeys('StatefulSet', object);
    return kind === 'statefulSets' ? [keyOf(object)] : [];
  },
  plan: (key, state) => {
    const { namespace, name } = splitKey(key);
    const set = state.statefulSets.get(name, namespace);
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return [];
    const pods = controlledOf(state.pods, set).toSorted((a, b) => ordinalOf(a) - ordinalOf(b));
    return [...step(set, pods), ...report(set, pods)];
  },
};
