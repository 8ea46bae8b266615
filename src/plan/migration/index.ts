export { gitOpsManagers } from './git-ops.ts';
export {
  inOrderOfSleep,
  inOrderOfWaking,
  isNodeReady,
  type MigrationFacts,
  type MigrationPlan,
  planMigration,
  sleeperName,
} from './plan.ts';
export { orbweaverIn, spiderpoolIn, volumeOf } from './programs.ts';
export { chartValues, type Setting } from './settings.ts';
export { isAsleep, type Patch, sleepPatch, wakePatch } from './sleep.ts';
export type { AdmissionCall, Installation, Program, Sleeper } from './sleeper.ts';
