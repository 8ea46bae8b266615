// The configurations of `veth` and `router`, the plugins from before the coordinator (spidernet-io/plugins 0.1, spidernet-io/cni-plugins
// 0.2), in the option names of both.

import { z } from 'zod';
import { shortList } from '../short-list.ts';
import { check } from '../validation.ts';
import { interfaceName, macPrefix, networks } from './coordinator-conf.ts';
import { goObject } from './go-object.ts';
import type { NetConf } from './net-conf.ts';
import { networkText } from './text-fields.ts';

const logOptions = goObject({
  log_level: z.string().optional(),
  log_file: z.string().optional(),
  log_max_size: z.int().optional(),
  log_max_age: z.int().optional(),
  log_max_count: z.int().optional(),
});

/** What it asks of the node, the agent does for all pods (`tuneSysctlConfig`). */
const rpFilter = goObject({
  /** `veth` 0.1 and the first `router`s. */
  enabled: z.boolean().optional(),
  enable: z.boolean().optional(),
  set_host: z.boolean().optional(),
  value: z.literal([0, 1, 2]).optional(),
});

const ipConflict = goObject({
  enabled: z.boolean().default(false),
  interval: z.string().optional(),
  retries: z.int().optional(),
});

/** A NIC whose MAC address alone is changed has no counterpart in the coordinator. */
const mustBeFalse = z
  .boolean()
  .refine((value) => !value, {
    error: 'must be false: a NIC is served whole, podMACPrefix of coordinator included, or not at all',
  })
  .optional();

/** Of 0.2, in both types. */
const cniPluginsFields = {
  overlay_hijack_subnet: networks,
  service_hijack_subnet: networks,
  additional_hijack_subnet: networks,
  /** -1 and 1 move routes, 0 leaves them. */
  migrate_route: z.literal([-1, 0, 1]).default(-1),
  mac_prefix: macPrefix,
  only_op_mac: mustBeFalse,
  skip_call: z.boolean().default(false),
  ip_conflict: ipConflict.optional(),
  rp_filter: rpFilter.optional(),
  log_options: logOptions.optional(),
};

export const vethConfSchema = goObject({
  type: z.literal('veth'),
  ...cniPluginsFields,
  /** The names of 0.1 from here on. */
  cluster_cidr: networks,
  service_cidr: networks,
  additional_cidr: networks,
  hardware_prefix: macPrefix,
  only_hardware: mustBeFalse,
  /** 0 and 1 move routes, 2 leaves them. */
  move_routes: z.literal([0, 1, 2]).default(0),
});

export const routerConfSchema = goObject({
  type: z.literal('router'),
  ...cniPluginsFields,
  overlay_interface: interfaceName,
  host_rule_table: z.int().min(1).max(0xffff_ffff).optional(),
  /** SR-IOV NICs need no other treatment than macvlan. */
  sriov: z.boolean().optional(),
  /** The first versions' names for the three lists and for `migrate_route`. */
  routes: shortList(goObject({ dst: networkText })).optional(),
  hijack_overlay_response: z.boolean().default(true),
});

export type VethConf = z.infer<typeof vethConfSchema>;
export type RouterConf = z.infer<typeof routerConfSchema>;

/** The own fields of a `veth` configuration. */
export function parseVethConf(conf: NetConf): VethConf {
  return check(vethConfSchema, conf, { subject: 'veth configuration' });
}

/** The own fields of a `router` configuration. */
export function parseRouterConf(conf: NetConf): RouterConf {
  return check(routerConfSchema, conf, { subject: 'router configuration' });
}
