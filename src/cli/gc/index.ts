export { NodesByLeader } from './nodes.ts';
export { type AskNodes, runGc } from './run.ts';
