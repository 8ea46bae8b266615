export { type Claim, claimOf } from './claim.ts';
export type {
  NodeSight,
  Owner,
  ReclaimFacts,
  RecordedAddress,
  SandboxSight,
  Sight,
} from './facts.ts';
export { defaultReclaimSettings, type ReclaimSettings } from './settings.ts';
export { type ReclaimVerdict, reclaimVerdict } from './verdict.ts';
