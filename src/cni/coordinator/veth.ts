// Translates the options of CNI type `veth` into options of the coordinator: the pod's way to Services and to its node.

import type { CoordinatorConf, VethConf } from '#api';

/** Fields of version 0.2, whose default rp_filter is 2. The default of version 0.1 is 0. */
const secondGeneration = [
  'overlay_hijack_subnet',
  'service_hijack_subnet',
  'additional_hijack_subnet',
  'mac_prefix',
  'ip_conflict',
] as const satisfies readonly (keyof VethConf)[];

/** Omitted lists come from the SpiderCoordinator, if there is one. */
export function coordinatorOfVeth(conf: VethConf): Partial<Omit<CoordinatorConf, 'type'>> {
  const isSecond = secondGeneration.some((name) => conf[name] !== undefined);
  return {
    mode: conf.skip_call ? 'disable' : 'auto',
    overlayPodCIDR: [...(conf.cluster_cidr ?? []), ...(conf.overlay_hijack_subnet ?? [])],
    serviceCIDR: [...(conf.service_cidr ?? []), ...(conf.service_hijack_subnet ?? [])],
    hijackCIDR: [...(conf.additional_cidr ?? []), ...(conf.additional_hijack_subnet ?? [])],
    podMACPrefix: conf.hardware_prefix || conf.mac_prefix || '',
    tunePodRoutes: conf.move_routes !== 2 && conf.migrate_route !== 0,
    podRPFilter: conf.rp_filter?.value ?? (isSecond ? 2 : 0),
    ...(conf.ip_conflict !== undefined && { detectIPConflict: conf.ip_conflict.enabled }),
  };
}
