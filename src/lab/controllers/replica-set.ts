// ReplicaSet: the wanted number of equal pods.

import { type Pod, type ReplicaSet, resources } from '#api';
import { keyOf } from '#kube';
import { type Action, controlledOf, controllerKeys, splitKey, statusActions } from '#reconcile';
import type { LabController } from './cluster-state.ts';
import { isActive, isReady } from './pod-state.ts';
import { inBursts, podFromTemplate } from './pod-template.ts';

const type = resources.replicaSets;

/**
 * Sorts pods by the order of deletion: unbound pods, pods that are not ready, pods on nodes with the most of them, the youngest
 * (kubernetes, ActivePodsWithRanks).
 */
function inOrderOfDeletion(pods: readonly Pod[]): Pod[] {
  const onNode = new Map<string, number>();
  const ranked = pods.map((pod) => {
    const node = pod.spec?.nodeName ?? '';
    const peers = onNode.get(node) ?? 0;
    onNode.set(node, peers + 1);
    return { pod, peers };
  });
  return ranked
    .toSorted((a, b) => {
      const bound = Number(hasNode(a.pod)) - Number(hasNode(b.pod));
      const ready = Number(isReady(a.pod)) - Number(isReady(b.pod));
      return bound || ready || b.peers - a.peers || age(b.pod) - age(a.pod);
    })
    .map(({ pod }) => pod);
}

function hasNode({ spec }: Pod): boolean {
  return (spec?.nodeName ?? '') !== '';
}

function age({ metadata }: Pod): number {
  return Date.parse(metadata.creationTimestamp ?? '') || 0;
}

/** Creates or deletes pods. */
function scale(set: ReplicaSet, active: readonly Pod[]): Action[] {
  const missing = (set.spec?.replicas ?? 1) - active.length;
  if (missing < 0) {
    const surplus = inOrderOfDeletion(active).slice(0, -missing);
    return surplus.map((object) => ({ verb: 'delete', type: resources.pods, object }));
  }
  return inBursts(
    missing,
    (): Action => ({
      verb: 'create',
      type: resources.pods,
      object: podFromTemplate(type, set, set.spec?.template),
    }),
  );
}

export const replicaSetController: LabController = {
  name: 'replicaset',
  concerns: (kind, object) => {
    if (kind === 'pods') return controllerKeys('ReplicaSet', object);
    return kind === 'replicaSets' ? [keyOf(object)] : [];
  },
  plan: (key, state) => {
    const { namespace, name } = splitKey(key);
    const set = state.replicaSets.get(name, namespace);
    if (set === undefined) return [];
    const active = controlledOf(state.pods, set).filter(isActive);
    const ready = active.filter(isReady).length;
    const status = {
      replicas: active.length,
      fullyLabeledReplicas: active.length,
      readyReplicas: ready,
      availableReplicas: ready,
      observedGeneration: set.metadata.generation,
    };
    const ends = set.metadata.deletionTimestamp !== undefined;
    return [...(ends ? [] : scale(set, active)), ...statusActions(type, set, status)];
  },
};
