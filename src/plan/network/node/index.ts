export { halfOpenRules } from './half-open.ts';
export { forwardingSysctls, hostRule, type NodeInput, planNode } from './node.ts';
export { isTunnel, leadsToOtherNodes, nodeAddresses } from './node-addresses.ts';
export { serviceMasqueradeRules } from './service-masquerade.ts';
