// Translates the options of CNI type `router`, for an underlay NIC beside an overlay's, into options of the coordinator.

import type { CoordinatorConf, RouterConf } from '#api';

/**
 * The last NIC gets the pod's default route, unless the options keep the routes. Omitted lists come from the
 * SpiderCoordinator.
 */
export function coordinatorOfRouter(
  conf: RouterConf,
  interfaceName: string,
): Partial<Omit<CoordinatorConf, 'type'>> {
  const moves = conf.migrate_route !== 0 && conf.hijack_overlay_response;
  const first = (conf.routes ?? []).map(({ dst }) => dst);
  return {
    mode: conf.skip_call ? 'disable' : 'overlay',
    podDefaultCniNic: conf.overlay_interface || 'eth0',
    overlayPodCIDR: conf.overlay_hijack_subnet,
    serviceCIDR: conf.service_hijack_subnet,
    hijackCIDR: [...(conf.additional_hijack_subnet ?? []), ...first],
    podMACPrefix: conf.mac_prefix,
    tunePodRoutes: moves,
    ...(moves && { podDefaultRouteNic: interfaceName }),
    ...(conf.host_rule_table !== undefined && { hostRuleTable: conf.host_rule_table }),
    podRPFilter: conf.rp_filter?.value ?? 2,
    ...(conf.ip_conflict !== undefined && { detectIPConflict: conf.ip_conflict.enabled }),
  };
}
