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
export {
  addressOf,
  assign,
  forgetGone,
  type Intent,
  leave,
  listWithMore,
  listWithout,
  newLedger,
  nextMark,
  type PortLedger,
  settle,
  withMark,
} from './port-ledger.ts';
