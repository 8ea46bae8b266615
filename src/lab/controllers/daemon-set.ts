// DaemonSet: one pod on each node that matches the nodeSelector of its template.

import { type DaemonSet, type Node, type Pod, resources } from '#api';
import { keyOf } from '#kube';
import { type Action, controlledOf, controllerKeys, splitKey, statusActions } from '#reconcile';
import type { LabController } from './cluster-state.ts';
import { fits } from './node-fit.ts';
import { isActive, isFinished, isReady, isTerminating } from './pod-state.ts';
import { podFromTemplate, templateHash } from './pod-template.ts';

const type = resources.daemonSets;
const HASH_LABEL = 'controller-revision-hash';

interface UpdateStrategy {
  readonly type?: string;
  readonly rollingUpdate?: { readonly maxUnavailable?: number | string };
}

const remove = (object: Pod): Action => ({ verb: 'delete', type: resources.pods, object });

function isCurrent(set: DaemonSet, { metadata }: Pod): boolean {
  return metadata.labels?.[HASH_LABEL] === templateHash(set.spec?.template);
}

/** Creates the missing pods. They are bound to their node from the start, without the scheduler. */
function missing(set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]): Action[] {
  const taken = new Set(pods.map(({ spec }) => spec?.nodeName));
  const labels = { [HASH_LABEL]: templateHash(set.spec?.template) };
  return nodes
    .map(({ metadata }) => metadata.name ?? '')
    .filter((nodeName) => !taken.has(nodeName))
    .map((nodeName) => ({
      verb: 'create',
      type: resources.pods,
      object: podFromTemplate(type, set, set.spec?.template, { labels, spec: { nodeName } }),
    }));
}

/** Pods on nodes that should have none, second pods on a node, and finished pods. */
function surplus(nodes: readonly Node[], pods: readonly Pod[]): Pod[] {
  const wanted = new Set(nodes.map(({ metadata }) => metadata.name));
  const seen = new Set<string>();
  return pods.filter((pod) => {
    if (isTerminating(pod)) return false;
    const node = pod.spec?.nodeName ?? '';
    const second = seen.has(node);
    if (isActive(pod)) seen.add(node);
    return isFinished(pod) || !wanted.has(node) || second;
  });
}

/** Pods of an older template that are replaced now: as many as may be unavailable at once. */
function outdated(set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]): Pod[] {
  const strategy = (set.spec as { readonly updateStrategy?: UpdateStrategy } | undefined)?.updateStrategy;
  if (strategy?.type === 'OnDelete') return [];
  const most = strategy?.rollingUpdate?.maxUnavailable ?? 1;
  const allowed =
    typeof most === 'number' ? most : Math.ceil((Number.parseInt(most, 10) * nodes.length) / 100);
  const serving = pods.filter((pod) => isActive(pod) && isReady(pod)).length;
  const old = pods.filter((pod) => isActive(pod) && !isCurrent(set, pod));
  const idle = old.filter((pod) => !isReady(pod));
  const room = Math.max(0, allowed - (nodes.length - serving));
  return [...idle, ...old.filter(isReady).slice(0, room)];
}

function report(set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]): Action[] {
  const wanted = new Set(nodes.map(({ metadata }) => metadata.name));
  const placed = pods.filter((pod) => isActive(pod) && wanted.has(pod.spec?.nodeName ?? ''));
  const ready = placed.filter(isReady).length;
  return statusActions(type, set, {
    observedGeneration: set.metadata.generation,
    desiredNumberScheduled: nodes.length,
    currentNumberScheduled: placed.length,
    numberMisscheduled: pods.filter(isActive).length - placed.length,
    numberReady: ready,
    numberAvailable: ready,
    numberUnavailable: nodes.length - ready,
    updatedNumberScheduled: placed.filter((pod) => isCurrent(set, pod)).length,
  });
}

export const daemonSetController: LabController = {
  name: 'daemonset',
  concerns: (kind, object, state) => {
    if (kind === 'pods') return controllerKeys('DaemonSet', object);
    const sets = kind === 'nodes' ? state.daemonSets.list() : kind === 'daemonSets' ? [object] : [];
    return sets.map(keyOf);
  },
  plan: (key, state) => {
    const { namespace, name } = splitKey(key);
    const set = state.daemonSets.get(name, namespace);
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return [];
    const nodes = state.nodes.list().filter((node) => fits(set.spec?.template.spec, node));
    const pods = controlledOf(state.pods, set);
    const gone = surplus(nodes, pods);
    const kept = pods.filter((pod) => !gone.includes(pod));
    const replaced = outdated(set, nodes, kept);
    return [...[...gone, ...replaced].map(remove), ...missing(set, nodes, kept), ...report(set, nodes, pods)];
  },
};
