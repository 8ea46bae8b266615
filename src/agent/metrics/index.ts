export { AgentMetrics } from './metrics.ts';
