export { type Commands, orbctl } from './app.ts';
export { runCheck } from './check/index.ts';
export { NodesByLeader, runGc } from './gc/index.ts';
export { runFree, runHistory, runWho } from './ip/index.ts';
export type { LabFlags } from './lab.ts';
export { PartialReader } from './partial-reader.ts';
export { runTop } from './pool/index.ts';
export { runTree } from './subnet/index.ts';
export { lookAround, nodeSite, runTrace, type Site } from './trace/index.ts';
