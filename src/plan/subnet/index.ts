export { poolInSubnet, validatePoolInSubnet } from './admit-pool.ts';
export { defaultSubnet, validateSubnet, validateSubnetDeletion } from './admit-subnet.ts';
export {
  type Application,
  type ApplicationName,
  applicationKey,
  isThirdParty,
  type OwnerLookup,
  topController,
} from './application.ts';
export {
  inheritedAnnotations,
  isAutomatic,
  isOfSubnet,
  labelsWithApplication,
  ownerApplication,
} from './auto-pool.ts';
export {
  type AutomaticPoolSettings,
  automaticPoolSettings,
  defaultAutomaticPools,
} from './automatic-pool-settings.ts';
export type { Notice, NoticeReason } from './notice.ts';
export {
  type ApplicationFacts,
  type ApplicationPlan,
  type LivingApplication,
  planApplicationPools,
} from './plan-application.ts';
export { planSubnet } from './plan-subnet.ts';
export { PoolIndex } from './pool-index.ts';
export { labelValue } from './pool-name.ts';
export { type PoolWrite, withCounts } from './pool-write.ts';
export { SubnetLedger, type SubnetStatus } from './subnet-ledger.ts';
export { NETWORK_OF_ANOTHER_SUBNET, type SubnetOverlap, subnetOverlaps } from './subnet-overlap.ts';
export { asksForSubnets, type PoolWish, readSubnetRequest, type SubnetRequest } from './subnet-request.ts';
export { type PoolLeaf, type SubnetBranch, type SubnetTree, subnetTree } from './subnet-tree.ts';
export { type Workload, type WorkloadKinds, workloadOf } from './workload.ts';
