export { type KubernetesArgs, parseKubernetesArgs, podNamedIn } from './arguments.ts';
export {
  type CoordinatorConf,
  ipv4Address,
  networks,
  parseCoordinatorConf,
  policyRouteSchema,
} from './coordinator-conf.ts';
export { type EniVlanConf, parseEniVlanConf } from './eni-vlan-conf.ts';
export {
  type AttachmentEnvironment,
  type CniEnvironment,
  type CniVariable,
  type CniVariables,
  type CniVerb,
  cniVariables,
  cniVerbs,
  isAttachmentEnvironment,
  parseCniEnvironment,
} from './environment.ts';
export { type CniErrorBody, cniErrorBody, cniErrorBodySchema } from './error-body.ts';
export { goObject, unchecked } from './go-object.ts';
export { type HostDeviceConf, type NicName, parseHostDeviceConf } from './host-device-conf.ts';
export { parseIfacerConf } from './ifacer-conf.ts';
export { ipamType, parseSpiderpoolIpam, type SpiderpoolIpam } from './ipam-conf.ts';
export {
  CNI_NAME,
  type NetConf,
  type NetConfList,
  parseNetConf,
  parseNetConfList,
  prevResultOf,
  type ValidAttachment,
  versionAsked,
  versionOf,
} from './net-conf.ts';
export {
  type NeutronIpam,
  type NeutronMode,
  type NeutronNicIpam,
  parseNeutronIpam,
} from './neutron-conf.ts';
export { parseRouterConf, parseVethConf, type RouterConf, type VethConf } from './older-conf.ts';
export {
  type HostLocalIpam,
  type IpamRoute,
  parseHostLocalIpam,
  parseWhereaboutsIpam,
  type WhereaboutsIpam,
} from './other-ipam.ts';
export { requestedIn } from './requested-fields.ts';
export {
  type CniDns,
  type CniInterface,
  type CniIp,
  type CniResult,
  type CniRoute,
  checkResult,
} from './result.ts';
export { readResult, writeResult } from './result-version.ts';
export {
  isAtLeast,
  requireVersion,
  type SpecVersion,
  type SupportedVersion,
  specVersions,
  supportedVersions,
} from './spec-version.ts';
export { addressIfAny, hardwareAddressIfAny, INTERFACE_NAME, requestedAddressText } from './text-fields.ts';
export { parseVethHostConf, type VethHostConf } from './veth-host-conf.ts';
export { parseVethRouteConf, type VethRouteConf } from './veth-route-conf.ts';
