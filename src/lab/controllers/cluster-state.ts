// What the lab's controllers know of the cluster.

import { resources } from '#api';
import type { Action, Controller, StateOf } from '#reconcile';

/** The kinds that the controllers use. */
export const watchedKinds = {
  cronJobs: resources.cronJobs,
  daemonSets: resources.daemonSets,
  deployments: resources.deployments,
  endpointSlices: resources.endpointSlices,
  jobs: resources.jobs,
  nodes: resources.nodes,
  podDisruptionBudgets: resources.podDisruptionBudgets,
  pods: resources.pods,
  replicaSets: resources.replicaSets,
  services: resources.services,
  statefulSets: resources.statefulSets,
} as const;

export type ClusterState = StateOf<typeof watchedKinds>;

/** A controller of the lab. Its plan is a pure function. */
export interface LabController extends Controller<typeof watchedKinds> {
  readonly plan: (key: string, state: ClusterState, now: string) => readonly Action[];
}
