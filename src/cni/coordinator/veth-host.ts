// Translates the options of CNI type `veth-host` into options of the coordinator: a second NIC of the pod, which leads to
// its node and to Services.

import type { CoordinatorConf, VethHostConf } from '#api';

/** What `veth-host` has no word for comes from the SpiderCoordinator, if there is one. */
export function coordinatorOfVethHost(conf: VethHostConf): Partial<Omit<CoordinatorConf, 'type'>> {
  return {
    mode: 'auto',
    serviceCIDR: conf.serviceCidr,
    ipMasq: conf.ipMasq,
    ...(conf.mtu > 0 && { vethMTU: conf.mtu }),
  };
}
