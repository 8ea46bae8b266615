export { branchPlace, type CgroupOf, MACHINE_PORT, machinePlaces, podPlace, podPorts } from './cast.ts';
export type { Asker, Place, PlannedCell } from './cells.ts';
export {
  type Ask,
  askByProbe,
  askInCrowd,
  askInHaste,
  type ProbeProtocol,
  type Question,
  type Verdict,
} from './prober.ts';
export { howToLookAround, labFacts, placesText } from './report.ts';
export { awaitCluster, awaitRollout, type Rollout } from './rollout.ts';
export { type Cell, secondTries, tryCells, tryWithRetries } from './table.ts';
export { type TableView, tableText } from './table-text.ts';
export { pairsTrial, type Trial, type TrialParts } from './trial.ts';
