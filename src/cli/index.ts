export { type Commands, orbctl } from './app.ts';
export { runCheck } from './check/index.ts';
export { NodesByLeader, runGc } from './gc/index.ts';
export { runWho } from './ip/index.ts';
export type { LabFlags } from './lab.ts';
export { lookAround, nodeSite, runTrace, type Site } from './trace/index.ts';
