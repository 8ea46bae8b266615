export { halfOpenTable } from './half-open.ts';
export { hostRule, type NodeInput, planNode } from './node.ts';
export { isTunnel, leadsToOtherNodes, nodeAddresses } from './node-addresses.ts';
