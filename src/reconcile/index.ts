export { type Action, statusActions } from './action.ts';
export { canonical } from './canonical.ts';
export { withCondition } from './condition.ts';
export { type Controller, type Plan, splitKey } from './controller.ts';
export type { QueueDepth } from './controller-queue.ts';
export { Controllers, type ControllersOptions } from './controllers.ts';
export {
  BY_NAMESPACE,
  type InformerStatistics,
  Informers,
  type ReadStore,
  type StateOf,
} from './informers.ts';
export { LeaderElection, type LeaderElectionOptions } from './leader-election.ts';
export type { ReconcileMetrics, WorkResult } from './metrics.ts';
export type { LeaseTimes } from './observed-lease.ts';
export { controlledBy, controlledOf, controllerKeys } from './ownership.ts';
