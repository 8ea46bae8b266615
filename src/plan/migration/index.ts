export { markedRecords } from './bound-addresses.ts';
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
export { CA_VALUE, isVerified } from './provider-settings.ts';
export type { Setting } from './setting.ts';
export { chartValues } from './settings.ts';
export { isAsleep, type Patch, sleepPatch, wakePatch } from './sleep.ts';
export type { AdmissionCall, Installation, Program, Sleeper } from './sleeper.ts';
