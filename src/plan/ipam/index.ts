export { type Assignment, choosePools, interfaceAddress, type KnownPools } from './allocate.ts';
export {
  type Annotations,
  IPS_ANNOTATION,
  lowerCaseKeys,
  type NamedPools,
  readIPPool,
  readIPPools,
  readIps,
  readNamespacePools,
  readRoutes,
} from './annotations.ts';
export { applyOperations, type PoolBatch, type PoolOperation, type PoolOutcome } from './batch.ts';
export {
  type AutomaticPools,
  type CandidateSources,
  type FamilyCandidates,
  type NicCandidates,
  selectCandidates,
} from './candidates.ts';
export { catalogPools, type PoolCatalog } from './catalog.ts';
export { type Consumer, consumersOf } from './consumers.ts';
export { defaultPool, defaultReservedIP, POOL_CIDR_LABEL, withNetworkDefaults } from './default-pool.ts';
export { EXHAUSTED_CONDITION, exhaustedNote } from './exhausted.ts';
export { type FilterContext, filterCandidates } from './filters.ts';
export { samePlace } from './iaas-place.ts';
export { type AddressOwner, PoolLedger, type PoolStatus } from './ledger.ts';
export { type LeftAddress, takesOver } from './left-address.ts';
export { claimOfRecord, nicOwner, type PodOwner, recordOfClaim } from './nic-owner.ts';
export { nodeRouteIssues } from './node-routes.ts';
export { OVERLAPPING_CONDITION, overlapNote, overlapNotes } from './overlap.ts';
export { type Pick, type PickContext, pickAddress, QUARANTINE_MS } from './pick.ts';
export { type FixedSettings, machineOf, type PodHolder, podHolder } from './pod-holder.ts';
export { closedReason, type Pool } from './pool.ts';
export { type PodRoute, type PoolNetwork, readPoolNetwork, storedNetwork } from './pool-network.ts';
export { type PoolShares, poolShares } from './pool-shares.ts';
export { PROVIDER_ANNOTATION, type ProvidedLink, type Provision, providedLink } from './provision.ts';
export {
  QUARANTINE_ANNOTATION,
  QUARANTINED_CONDITION,
  type Quarantined,
  quarantineNote,
  quarantinesOf,
  quarantineText,
  type ToldQuarantine,
} from './quarantine.ts';
export { parseRecords, recordsMayName, recordsText } from './records.ts';
export { type Release, releasedBy } from './release.ts';
export { refuseUnservedFamily, requestCandidates } from './request-candidates.ts';
export { type AddressRequest, readAddressRequest, refuseRequestedAddress } from './requested-address.ts';
export { readRequestedMac, unicastMac } from './requested-mac.ts';
export {
  type ReservedAddresses,
  readReserved,
  reservedAddresses,
  type UnreadableReserved,
} from './reserved.ts';
export { noteReleases } from './resting.ts';
export { assignmentRoutes, type NicRoute } from './routes.ts';
export { type RecordsSight, seeRecords, type Unready, unreadyPool } from './unready.ts';
export { validatePool, validatePoolDeletion, validateReservedIP } from './validate.ts';
export { type AdmissionContext, type AdmissionIssue, validateNetwork } from './validate-network.ts';
export { poolWarnings } from './warnings.ts';
export { type AddressState, type UnreadablePool, type Whereabouts, whereaboutsOf } from './whereabouts.ts';
