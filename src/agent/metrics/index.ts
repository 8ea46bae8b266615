export { healthServer, type Readiness } from './health-server.ts';
export { AgentMetrics } from './metrics.ts';
