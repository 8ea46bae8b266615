// The configuration of the `veth-route` plugin. `mtu` and `ipMasq` are keys of the older plugin of that name
// (yaoice/meliodas).

import { z } from 'zod';
import { check } from '../validation.ts';
import { goObject, unchecked } from './go-object.ts';
import { ipamType } from './ipam-conf.ts';
import type { NetConf } from './net-conf.ts';
import { parseNeutronIpam } from './neutron-conf.ts';
import type { CniDns } from './result.ts';
import { INTERFACE_NAME } from './text-fields.ts';

/** The smallest MTU of an IPv4 link (RFC 791), and the largest of a veth (ETH_MAX_MTU). */
const MTU_BYTES = { least: 68, most: 65_535 } as const;

const vethRouteConfSchema = goObject({
  type: z.literal('veth-route'),
  /** Bytes. 0 means that of the node's NIC. */
  mtu: z
    .int()
    .refine((bytes) => bytes === 0 || (bytes >= MTU_BYTES.least && bytes <= MTU_BYTES.most), {
      error: `must be ${MTU_BYTES.least} to ${MTU_BYTES.most}, or 0 for that of the NIC of the node`,
    })
    .default(0),
  ipMasq: z
    .boolean()
    .refine((value) => !value, {
      error: 'must be false: pods of this type leave the node with their own addresses',
    })
    .optional(),
  /** The NIC of the node that answers for the pods. Undefined: the one whose network has the address. */
  hostInterface: z.string().regex(INTERFACE_NAME, { error: 'must be the name of an interface' }).optional(),
  dns: unchecked<CniDns>(),
});

export type VethRouteConf = z.infer<typeof vethRouteConfSchema>;

/** Reads the own fields of a configuration. Addresses of a port of Neutron belong to the NIC that is the port. */
export function parseVethRouteConf(conf: NetConf): VethRouteConf {
  const own = check(vethRouteConfSchema, conf, { subject: 'veth-route configuration' });
  if (own.hostInterface !== undefined || ipamType(conf.ipam) !== 'neutron') return own;
  const { hostInterface } = parseNeutronIpam(conf).neutronConf;
  return hostInterface === undefined ? own : { ...own, hostInterface };
}
