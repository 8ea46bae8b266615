export { type Readiness, serveHealth } from './health-server.ts';
export { AgentMetrics } from './metrics.ts';
