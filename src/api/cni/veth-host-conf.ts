// The configuration of `veth-host`, which is chained after ipvlan. Its option names are those of yaoice/meliodas.

import { z } from 'zod';
import { check } from '../validation.ts';
import { interfaceName } from './coordinator-conf.ts';
import { goObject } from './go-object.ts';
import type { NetConf } from './net-conf.ts';
import { networkText } from './text-fields.ts';

/** `10.96.0.0/12`, or one network of each family: `10.96.0.0/12,fd00:10:96::/112`. Empty text means absent. */
const serviceNetworks = z
  .string()
  .transform((text) => text.split(',').filter((part) => part.trim() !== ''))
  .pipe(z.array(networkText))
  .default([]);

/** As kube-apiserver's `--service-node-port-range`, with `:` or `-`. */
const portRange = z
  .string()
  .regex(/^(\d{1,5}[:-]\d{1,5})?$/, { error: 'must be a range of ports, for example 30000:32767' })
  .optional();

export const vethHostConfSchema = goObject({
  type: z.literal('veth-host'),
  serviceCidr: serviceNetworks,
  /** The pod's end of the veth pair. All plans use the one name. */
  containerInterface: z
    .string()
    .refine((name) => name === '' || name === 'veth0', {
      error: "must be veth0: the pod's end of the veth pair always has that name",
    })
    .optional(),
  ipMasq: z.boolean().default(false),
  /** 0 means absent. */
  mtu: z
    .int()
    .refine((mtu) => mtu === 0 || (mtu >= 68 && mtu <= 65_535), { error: 'must be 68 to 65535' })
    .default(0),
  /** The pod reaches all addresses of its node, whichever NIC has them. */
  hostInterface: interfaceName,
  /** The number of a table for each pod. There are no such tables: one table of the node has the routes to all pods. */
  routeTableStart: z.int().min(0).max(0xffff_ffff).optional(),
  /** Answers of NodePorts go back by a mark of the pod's own connections, on any port. */
  nodePortMark: z.int().min(0).max(0xffff_ffff).optional(),
  nodePorts: portRange,
});

export type VethHostConf = z.infer<typeof vethHostConfSchema>;

/** Reads the own fields of a `veth-host` configuration. */
export function parseVethHostConf(conf: NetConf): VethHostConf {
  return check(vethHostConfSchema, conf, { subject: 'veth-host configuration' });
}
