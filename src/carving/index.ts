export { Carver, type CarverOptions } from './carver.ts';
export { type LiveApplication, readApplication } from './live-application.ts';
export { NewestPools } from './newest-pools.ts';
export type { CarvingQuestion } from './shared-settling.ts';
