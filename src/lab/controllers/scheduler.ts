// Scheduler: chooses a node for each pod that has none, and spreads the pods of one owner over the nodes.

import { type Node, type Pod, resources } from '#api';
import { keyOf } from '#kube';
import { type Action, splitKey, statusActions, withCondition } from '#reconcile';
import type { ClusterState, LabController } from './cluster-state.ts';
import { fits, noNodeText, takesPods } from './node-fit.ts';
import { isActive } from './pod-state.ts';

function ownerOf({ metadata }: Pod): string | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
}

function isUnbound(pod: Pod): boolean {
  return (pod.spec?.nodeName ?? '') === '' && isActive(pod);
}

/** The node with the fewest pods of the same owner, then the fewest pods, then the first by name. */
export function chooseNode(pod: Pod, nodes: readonly Node[], pods: readonly Pod[]): Node | undefined {
  const owner = ownerOf(pod);
  const ranked = nodes
    .filter((node) => takesPods(node) && fits(pod.spec, node))
    .map((node) => {
      const there = pods.filter((one) => one.spec?.nodeName === node.metadata.name && isActive(one));
      const siblings = owner === undefined ? [] : there.filter((one) => ownerOf(one) === owner);
      return { node, name: node.metadata.name ?? '', siblings: siblings.length, load: there.length };
    });
  const better = (a: (typeof ranked)[number], b: (typeof ranked)[number]) =>
    a.siblings - b.siblings || a.load - b.load || (a.name < b.name ? -1 : 1);
  return ranked.toSorted(better)[0]?.node;
}

/** The condition and the Event of a pod that fits on no node; nothing if the pod already shows that reason. */
function unschedulable(pod: Pod, state: ClusterState, now: string): Action[] {
  const message = noNodeText(pod.spec, state.nodes.list());
  const condition = { type: 'PodScheduled', status: 'False' as const, reason: 'Unschedulable', message };
  const conditions = withCondition(pod.status?.conditions, condition, now);
  const patches = statusActions(resources.pods, pod, { conditions });
  if (patches.length === 0) return [];
  const note = { type: 'Warning', reason: 'FailedScheduling', message } as const;
  return [...patches, { verb: 'event', type: resources.pods, object: pod, note }];
}

export const scheduler: LabController = {
  name: 'default-scheduler',
  concerns: (kind, object, state) => {
    const pods = kind === 'nodes' ? state.pods.list() : kind === 'pods' ? [object as Pod] : [];
    return pods.filter(isUnbound).map(keyOf);
  },
  plan: (key, state, now) => {
    const { namespace, name } = splitKey(key);
    const pod = state.pods.get(name, namespace);
    if (pod === undefined || !isUnbound(pod)) return [];
    const node = chooseNode(pod, state.nodes.list(), state.pods.list());
    if (node === undefined) return unschedulable(pod, state, now);
    const body = { spec: { nodeName: node.metadata.name } };
    return [{ verb: 'patch', type: resources.pods, object: pod, body }];
  },
};
