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
