// Deployment: a ReplicaSet for each template, and the rollout from the old ones to the newest (kubernetes, deployment/rolling.go).

import { type Deployment, type ReplicaSet, resources } from '#api';
import { keyOf } from '#kube';
import {
  type Action,
  controlledBy,
  controlledOf,
  controllerKeys,
  splitKey,
  statusActions,
  withCondition,
} from '#reconcile';
import type { LabController } from './cluster-state.ts';
import { templateHash } from './pod-template.ts';
import { type Bounds, boundsOf, strategyOf } from './rollout-bounds.ts';

const HASH_LABEL = 'pod-template-hash';
const REVISION_ANNOTATION = 'deployment.kubernetes.io/revision';

/** A Deployment with its ReplicaSets. */
interface Rollout {
  readonly deployment: Deployment;
  readonly wanted: number;
  readonly bounds: Bounds;
  /** The one of the newest template; undefined until it is created. */
  readonly newest: ReplicaSet | undefined;
  /** The others, oldest first. */
  readonly old: readonly ReplicaSet[];
}

const specReplicas = ({ spec }: ReplicaSet): number => spec?.replicas ?? 1;
const available = ({ status }: ReplicaSet): number => status?.availableReplicas ?? 0;
const revisionOf = ({ metadata }: { metadata: ReplicaSet['metadata'] }): number =>
  Number(metadata.annotations?.[REVISION_ANNOTATION] ?? 0);

function sum(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number): number {
  return sets.reduce((total, set) => total + count(set), 0);
}

function rolloutOf(deployment: Deployment, sets: readonly ReplicaSet[]): Rollout {
  const hash = templateHash(deployment.spec?.template);
  const byAge = sets.toSorted((a, b) => revisionOf(a) - revisionOf(b));
  const newest = byAge.find(({ metadata }) => metadata.labels?.[HASH_LABEL] === hash);
  const wanted = deployment.spec?.replicas ?? 1;
  return {
    deployment,
    wanted,
    bounds: boundsOf(deployment.spec, wanted),
    newest,
    old: byAge.filter((set) => set !== newest),
  };
}

/** The number of replicas that the newest ReplicaSet may have now. */
function newestReplicas({ deployment, wanted, bounds, newest, old }: Rollout): number {
  const now = newest === undefined ? 0 : specReplicas(newest);
  if (now >= wanted) return wanted;
  if (strategyOf(deployment.spec) === 'Recreate') {
    return sum(old, ({ status }) => status?.replicas ?? 0) === 0 ? wanted : now;
  }
  const room = wanted + bounds.surge - now - sum(old, specReplicas);
  return now + Math.max(0, Math.min(room, wanted - now));
}

function newReplicaSet(rollout: Rollout): ReplicaSet {
  const { deployment, old } = rollout;
  const { name, namespace, labels } = deployment.metadata;
  const { template, selector } = deployment.spec ?? {};
  const hash = templateHash(template);
  const marked = { ...template?.metadata?.labels, [HASH_LABEL]: hash };
  const revision = 1 + Math.max(0, ...old.map(revisionOf));
  return {
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...labels, ...marked },
      annotations: { [REVISION_ANNOTATION]: String(revision) },
      ownerReferences: [controlledBy(resources.deployments, deployment)],
    },
    spec: {
      replicas: newestReplicas(rollout),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template?.metadata, labels: marked } },
    },
  };
}

function scaleTo(set: ReplicaSet, replicas: number): Action[] {
  if (specReplicas(set) === replicas) return [];
  return [{ verb: 'patch', type: resources.replicaSets, object: set, body: { spec: { replicas } } }];
}

/** Scales old ReplicaSets down: first pods that are not ready, then ready pods while enough others are ready. */
function scaleOld({ deployment, wanted, bounds, newest, old }: Rollout): Action[] {
  if (strategyOf(deployment.spec) === 'Recreate') return old.flatMap((set) => scaleTo(set, 0));
  const all = newest === undefined ? old : [...old, newest];
  const least = wanted - bounds.unavailable;
  const newestUnavailable = newest === undefined ? 0 : specReplicas(newest) - available(newest);
  let spare = sum(all, specReplicas) - least - newestUnavailable;
  let serving = sum(all, available) - least;
  return old.flatMap((set) => {
    const idle = Math.max(0, Math.min(specReplicas(set) - available(set), spare));
    spare -= idle;
    const served = Math.max(0, Math.min(specReplicas(set) - idle, serving, spare));
    spare -= served;
    serving -= served;
    return scaleTo(set, specReplicas(set) - idle - served);
  });
}

/** Old ReplicaSets without pods, without the latest ones, which `kubectl rollout undo` needs. */
function outdated({ deployment, old }: Rollout): Action[] {
  const empty = old.filter((set) => specReplicas(set) === 0 && (set.status?.replicas ?? 0) === 0);
  const surplus = empty.slice(0, Math.max(0, empty.length - (deployment.spec?.revisionHistoryLimit ?? 10)));
  return surplus.map((object) => ({ verb: 'delete', type: resources.replicaSets, object }));
}

/** A rollback makes an old ReplicaSet the newest again. It then gets the highest revision. */
function renumber({ deployment, newest, old }: Rollout): Action[] {
  if (newest === undefined) return [];
  const highest = Math.max(0, ...old.map(revisionOf));
  const revision = revisionOf(newest) > highest ? revisionOf(newest) : highest + 1;
  const body = { metadata: { annotations: { [REVISION_ANNOTATION]: String(revision) } } };
  const set: Action = { verb: 'patch', type: resources.replicaSets, object: newest, body };
  const own: Action = { verb: 'patch', type: resources.deployments, object: deployment, body };
  return [
    ...(revisionOf(newest) === revision ? [] : [set]),
    ...(revisionOf(deployment) === revision ? [] : [own]),
  ];
}

function conditionsOf({ deployment, wanted, bounds, newest, old }: Rollout, now: string) {
  const serving = sum(newest === undefined ? old : [...old, newest], available);
  const enough = serving >= wanted - bounds.unavailable;
  const complete =
    newest !== undefined &&
    available(newest) >= wanted &&
    sum(old, ({ status }) => status?.replicas ?? 0) === 0;
  const minimum = {
    type: 'Available',
    status: enough ? ('True' as const) : ('False' as const),
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
  };
  const progressing = {
    type: 'Progressing',
    status: 'True' as const,
    reason: complete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
    message: `ReplicaSet "${newest?.metadata.name}" ${complete ? 'has successfully progressed' : 'is progressing'}.`,
  };
  const conditions = withCondition(deployment.status?.conditions, minimum, now);
  return withCondition(conditions, progressing, now);
}

function report(rollout: Rollout, now: string): Action[] {
  const { deployment, newest, old, wanted } = rollout;
  const all = newest === undefined ? old : [...old, newest];
  const serving = sum(all, available);
  return statusActions(resources.deployments, deployment, {
    observedGeneration: deployment.metadata.generation,
    replicas: sum(all, ({ status }) => status?.replicas ?? 0),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum(all, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: serving,
    unavailableReplicas: Math.max(0, Math.max(wanted, sum(all, specReplicas)) - serving),
    conditions: conditionsOf(rollout, now),
  });
}

/** One step of the rollout. */
function advance(rollout: Rollout): Action[] {
  const { deployment, newest } = rollout;
  if (deployment.spec?.paused === true) return newest === undefined ? [] : scaleTo(newest, rollout.wanted);
  if (newest !== undefined) {
    const steps = [...scaleTo(newest, newestReplicas(rollout)), ...scaleOld(rollout)];
    return [...steps, ...renumber(rollout), ...outdated(rollout)];
  }
  const create: Action = { verb: 'create', type: resources.replicaSets, object: newReplicaSet(rollout) };
  return [create, ...scaleOld(rollout)];
}

export const deploymentController: LabController = {
  name: 'deployment',
  concerns: (kind, object) => {
    if (kind === 'replicaSets') return controllerKeys('Deployment', object);
    return kind === 'deployments' ? [keyOf(object)] : [];
  },
  plan: (key, state, now) => {
    const { namespace, name } = splitKey(key);
    const deployment = state.deployments.get(name, namespace);
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return [];
    const sets = controlledOf(state.replicaSets, deployment).filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    );
    const rollout = rolloutOf(deployment, sets);
    return [...advance(rollout), ...report(rollout, now)];
  },
};
