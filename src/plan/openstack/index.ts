export {
  type AddressPair,
  awaitsPair,
  hasNetworkPair,
  isLetThrough,
  isWithoutPair,
  pairCidr,
  pairStep,
  withoutPairs,
} from './address-pairs.ts';
export { type CloudFinding, cloudFindings, type NodeInCloud, type SecurityRule } from './findings.ts';
export {
  associationStep,
  FLOATING_IP_ANNOTATION,
  type FloatingTarget,
  type FloatingWish,
  floatingWish,
  ownAddresses,
} from './floating-wishes.ts';
export {
  type Identity,
  judgedPort,
  type OwnNic,
  onlyPort,
  type PortFacts,
  portInDocument,
  type ServerClaim,
  serverOfProviderId,
  type Verdict,
  type VmDocument,
} from './identity.ts';
export { ledgerName, ledgerSubject, nicLedgerName } from './ledger-name.ts';
export { addressHolders, claimOn, markedAddresses, type PortClaims, pairsLeft } from './leftovers.ts';
export {
  begunNic,
  given,
  givenBack,
  isFull,
  type NicKind,
  type NicLedger,
  neverCame,
  newNicLedger,
  nicOfOwner,
  nicSupply,
  nicsToMake,
  type PortOfNic,
  trimmedNics,
  type VmNic,
  withNic,
  withoutNic,
  withRoomFor,
} from './nic-ledger.ts';
export {
  ADDRESS_RESOURCE,
  type AddressSupply,
  type Amounts,
  addressAmount,
  NIC_RESOURCE,
  RESOURCE_PREFIX,
  resourcePatch,
} from './node-resources.ts';
export {
  begun,
  compared,
  deviceOf,
  isOfCluster,
  ledgerOf,
  made,
  OWN_PORT_OWNER,
  type OwnPort,
  originTexts,
  type PortOrigin,
  strays,
} from './own-ports.ts';
export { onePerFamily, subnetsOf } from './pod-subnets.ts';
export {
  addressesOf,
  deviceOfPool,
  ipMetaDataOf,
  isOfNeutron,
  isPoolPortOf,
  type LeavingPorts,
  leavingPorts,
  listed,
  MOST_POOL_PORTS,
  NETWORK_ANNOTATION,
  networkOfPool,
  POOL_PORT_OWNER,
  type PoolPort,
  poolPortDescription,
  poolPortStep,
  poolUidOf,
} from './pool-ports.ts';
export {
  type AddressAsked,
  addressOf,
  allLeaving,
  askedOf,
  assign,
  forgetGone,
  type Intent,
  isReady,
  listWithMore,
  listWithout,
  markOf,
  newLedger,
  nextMark,
  type OwnAddress,
  type PortLedger,
  type PortState,
  release,
  settle,
  type Wanted,
  withMark,
  withoutMark,
} from './port-ledger.ts';
export { reconciled } from './reconciliation.ts';
export { type CheckedRouter, routerFindings } from './router-findings.ts';
export {
  type RefusedRoute,
  type RouterRoute,
  routeChanges,
  routeText,
  withoutRoutes,
} from './router-routes.ts';
export { askedGroups, SECURITY_GROUPS_ANNOTATION } from './security-groups.ts';
export { hasRested, LONGEST_REST_MS, rested, toFetch, trimmed, type WarmLimits } from './warm-addresses.ts';
export {
  type AskedAddress,
  addressesToAsk,
  answerFindings,
  type NodeOnWire,
  type WireAnswers,
  type WirePort,
} from './wire-answers.ts';
export { routerOf, type Wishes, wishedRoutes } from './wished-routes.ts';
