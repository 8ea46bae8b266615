export { type Claim, claimOf } from './claim.ts';
export { foreignFinalizers, unchanged, withoutFinalizer } from './endpoint-removal.ts';
export type {
  HolderSight,
  NodeSight,
  Owner,
  ReclaimFacts,
  RecordedAddress,
  SandboxSight,
  Sight,
} from './facts.ts';
export { hasAddress, hasFinished } from './pod-end.ts';
export { defaultReclaimSettings, type ReclaimSettings } from './settings.ts';
export { reasonSinceMs } from './since.ts';
export { type ReclaimVerdict, reclaimVerdict } from './verdict.ts';
