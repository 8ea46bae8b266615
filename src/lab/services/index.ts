export { awaitRules, loadRules } from './node-rules.ts';
export { serviceFronts } from './service-fronts.ts';
export { ServiceProxy } from './service-proxy.ts';
export { serviceRuleset } from './service-ruleset.ts';
