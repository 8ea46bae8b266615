export {
  type AttachmentKey,
  type DesiredLink,
  type DesiredNamespace,
  type DesiredNetwork,
  type DesiredSysctl,
  type DesiredTable,
  type DesiredTableRule,
  emptyNamespace,
  nothingWanted,
  type Owned,
  type Owner,
  type PlannedNic,
  ruleComment,
  type VethPair,
} from './desired.ts';
export {
  type ForeignUse,
  foreignUse,
  freeTable,
  isForeign,
  isFreeTable,
  type PodNumbers,
  podNumbers,
  usualNumbers,
} from './foreign-use.ts';
export { fingerprint, prefixedMac, vethMac } from './mac.ts';
export { gatewayRoute, linkRoute, neighbour, replyRule, sourceRule } from './made.ts';
export {
  CONNECTION_BIT,
  FIRST_NIC_TABLE,
  HOST_RULE_PRIORITY,
  hostLinkName,
  IPV6_DEFAULT_METRIC,
  isLinkGateway,
  LAST_RULE_PRIORITY,
  LEAST_IPV6_MTU_BYTES,
  linkGateway,
  NFT_TABLE,
  POD_LINK,
  REPLY_MARK,
} from './numbers.ts';
export { nothingObserved, type ObservedNamespace } from './observed.ts';
export {
  cidrKey,
  routeKey,
  routesByKey,
  sameHop,
  sameInterfaceAddress,
  sameNeighbour,
  sameNeighbourKey,
  sameRoute,
  sameRouteKey,
  sameRule,
} from './same.ts';
export { addressText, neighbourText, routeText, ruleText, tableText } from './text.ts';
