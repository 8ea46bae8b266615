export { planCoordinator } from './coordinator.ts';
export type {
  AttachmentKey,
  DesiredLink,
  DesiredNamespace,
  DesiredNetwork,
  DesiredSysctl,
  DesiredTable,
  Owned,
  Owner,
  PlanSummary,
} from './desired.ts';
export {
  arePeers,
  changesOf,
  difference,
  type Finding,
  type Mend,
  mismatches,
  networkDifference,
  nothingObserved,
  type ObservedNamespace,
  sysctlDifference,
} from './difference.ts';
export { type NodeInput, planNode } from './node.ts';
export { nodeAddresses } from './node-addresses.ts';
export { FIRST_NIC_TABLE, hostLinkName, POD_LINK, REPLY_TABLE } from './numbers.ts';
export { NFT_TABLE } from './reply-marks.ts';
export { coordinatorResult } from './result.ts';
export {
  type CoordinatorOptions,
  type CoordinatorSettings,
  DEFAULT_ROUTE_NIC_ANNOTATION,
  mergeSettings,
  type PolicyRoute,
  type SettingSources,
} from './settings.ts';
export { addressText, neighbourText, routeText, ruleText, tableText } from './text.ts';
export { planUnderlay, type UnderlayInput } from './underlay.ts';
