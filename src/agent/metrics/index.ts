export { AgentMetrics, type SocketServiceCount } from './metrics.ts';
