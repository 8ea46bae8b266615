export {
  type AttachmentKey,
  type DesiredLink,
  type DesiredNamespace,
  type DesiredNetwork,
  type DesiredSysctl,
  type DesiredTable,
  nothingWanted,
  type Owned,
  type Owner,
  type PlannedNic,
  type VethPair,
} from './desired.ts';
export { difference, networkDifference, sysctlDifference } from './difference.ts';
export { changesOf, type Finding, type Mend, mismatches, nftCommandsOf } from './finding.ts';
export { type ForeignUse, foreignUse, type PodNumbers, podNumbers, usualNumbers } from './foreign-use.ts';
export { arePeers, isHostLink } from './link-difference.ts';
export { vethMac } from './mac.ts';
export { type NicMode, type NicSituation, nicMode, nicTable, type RecordedNic } from './mode.ts';
export type { NicInput, OverlayNic, PodInput, PodNic } from './nic.ts';
export { nicRoutes } from './nic-routes.ts';
export { type NodeInput, planNode } from './node.ts';
export { isTunnel, leadsToOtherNodes, nodeAddresses } from './node-addresses.ts';
export { hostLinkName, POD_LINK } from './numbers.ts';
export { nothingObserved, type ObservedNamespace } from './observed.ts';
export { planPod, planWithoutNics } from './pod.ts';
export { presentOptions } from './present-options.ts';
export { NFT_TABLE } from './reply-marks.ts';
export {
  type AttachedNic,
  type LostNic,
  lostNics,
  restoring,
  withoutHostLinks,
  withoutNics,
} from './restoration.ts';
export { coordinatorResult } from './result.ts';
export {
  type CoordinatorOptions,
  type CoordinatorSettings,
  clusterHostRuleTable,
  type MergedOptions,
  type MultusDefault,
  mergeOptions,
  mergeSettings,
  type PolicyRoute,
  readSettings,
  type SettingSources,
} from './settings.ts';
export { shareLan } from './shared-lan.ts';
