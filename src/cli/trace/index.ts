export { nodeSite } from './node-site.ts';
export { lookAround, runTrace, type TraceFlags } from './run.ts';
export type { Site } from './site.ts';
