export { Carver, type CarverOptions, type CarvingQuestion } from './carver.ts';
export { type LiveApplication, readApplication } from './live-application.ts';
export { NewestPools } from './newest-pools.ts';
