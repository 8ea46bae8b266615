export { type KnownNic, type NicMode, type NicSituation, nicMode, nicTable } from './mode.ts';
export type { NicInput, OverlayNic, PodInput, PodNic } from './nic.ts';
export { nicRoutes } from './nic-routes.ts';
export { planPod, planWithoutNics } from './pod.ts';
export { markingOf } from './reply-marks.ts';
export {
  type AttachedNic,
  type MissingNic,
  missingNics,
  restoring,
  withoutHostLinks,
  withoutNics,
} from './restoration.ts';
export { coordinatorResult } from './result.ts';
export { shareLan } from './shared-lan.ts';
