export { type CloudFinding, cloudFindings, type NodeInCloud, type SecurityRule } from './findings.ts';
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
export { onePerFamily, subnetsOf } from './pod-subnets.ts';
export {
  addressOf,
  assign,
  forgetGone,
  type Intent,
  isReady,
  listWithMore,
  listWithout,
  newLedger,
  nextMark,
  type OwnAddress,
  type PortLedger,
  type PortState,
  release,
  settle,
  withMark,
} from './port-ledger.ts';
export { reconciled } from './reconciliation.ts';
export { hasRested, LONGEST_REST_MS, rested, toFetch, trimmed, type WarmLimits } from './warm-addresses.ts';
