export { type Absence, type AskNode, reclaimFacts, refOfPod } from './facts.ts';
export type { ReclaimMetrics } from './metrics.ts';
export { ownerOf } from './owner.ts';
export { type Judged, Reclaimer, type ReclaimerOptions } from './reclaimer.ts';
export { recordsOf } from './removal.ts';
export { type Listed, ListedSight, LiveSight } from './sight.ts';
export { surveyCluster } from './survey.ts';
