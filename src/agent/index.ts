export { type Agent, type AgentOptions, startAgent } from './agent.ts';
export { type NodeRemovalOptions, startNodeRemoval } from './node-removal.ts';
