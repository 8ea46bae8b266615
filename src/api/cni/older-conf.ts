// The configurations of `veth` and `router`, the plugins before the coordinator. Option names of spidernet-io/plugins
// 0.1 and spidernet-io/cni-plugins 0.2 are read.

import { z } from 'zod';
import { shortList } from '../open-object.ts';
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

/** Settings of the node. They have no effect, because the agent sets the node's sysctls itself (`tuneSysctlConfig`). */
const rpFilter = goObject({
  /** `veth` 0.1 and the first versions of `router`. */
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

/** The coordinator has no mode that changes only the MAC address of a NIC. */
const mustBeFalse = z
  .boolean()
  .refine((value) => !value, {
    error: 'must be false: the coordinator cannot change only the MAC address of a NIC',
  })
  .optional();

/** Options of 0.2, in both types. */
const cniPluginsFields = {
  overlay_hijack_subnet: networks,
  service_hijack_subnet: networks,
  additional_hijack_subnet: networks,
  /** -1 and 1 move routes, and 0 does not. */
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
  /** The options from here on have names of 0.1. */
  cluster_cidr: networks,
  service_cidr: networks,
  additional_cidr: networks,
  hardware_prefix: macPrefix,
  only_hardware: mustBeFalse,
  /** 0 and 1 move routes, and 2 does not. */
  move_routes: z.literal([0, 1, 2]).default(0),
});

export const routerConfSchema = goObject({
  type: z.literal('router'),
  ...cniPluginsFields,
  overlay_interface: interfaceName,
  host_rule_table: z.int().min(1).max(0xffff_ffff).optional(),
  /** SR-IOV NICs need the same handling as macvlan. */
  sriov: z.boolean().optional(),
  /** Names of the first versions for the three lists and for `migrate_route`. */
  routes: shortList(goObject({ dst: networkText })).optional(),
  hijack_overlay_response: z.boolean().default(true),
});

export type VethConf = z.infer<typeof vethConfSchema>;
export type RouterConf = z.infer<typeof routerConfSchema>;

/** Reads the own fields of a `veth` configuration. */
export function parseVethConf(conf: NetConf): VethConf {
  return check(vethConfSchema, conf, { subject: 'veth configuration' });
}

/** Reads the own fields of a `router` configuration. */
export function parseRouterConf(conf: NetConf): RouterConf {
  return check(routerConfSchema, conf, { subject: 'router configuration' });
}
