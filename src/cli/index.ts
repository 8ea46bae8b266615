export { type Commands, orbctl } from './app.ts';
export { runCheck } from './check/run.ts';
export type { LabFlags } from './lab.ts';
export { nodeSite } from './trace/node-site.ts';
export { lookAround, runTrace } from './trace/run.ts';
export type { Site } from './trace/site.ts';
