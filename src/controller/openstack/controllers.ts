// The controllers that keep something in OpenStack for pods.

import type { Clock, Logger } from '#base';
import type { KubeClient } from '#kube';
import type { CloudClient } from '#openstack';
import type { AddressController } from '../kinds.ts';
import { floatingIpsController } from './floating-ips.ts';
import { poolPortsController } from './pool-ports.ts';
import { routerRoutesController } from './router-routes.ts';

export interface CloudOptions {
  readonly cloud: CloudClient;
  /** Whether pools get routes on a router, and how many it may have. */
  readonly routes: { readonly limit: number } | undefined;
  /** Whether pods get floating IPs. */
  readonly floatingIps: boolean;
  /** Whether Neutron reserves the addresses of pools that ask for it. */
  readonly pools: boolean;
}

/** None without a cloud. */
export function cloudControllers(
  parts: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly log: Logger;
    /** The namespace of the ledgers. */
    readonly namespace: string;
  },
  options: CloudOptions | undefined,
): AddressController[] {
  if (options === undefined) return [];
  const { neutron } = options.cloud;
  const { routes, floatingIps, pools } = options;
  return [
    ...(routes === undefined
      ? []
      : [routerRoutesController({ ...parts, neutron, routeLimit: routes.limit })]),
    ...(floatingIps ? [floatingIpsController({ ...parts, neutron })] : []),
    ...(pools ? [poolPortsController({ ...parts, neutron })] : []),
  ];
}
