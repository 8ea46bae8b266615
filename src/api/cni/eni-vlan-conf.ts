// The configuration of the main plugin `eni-vlan`. Its keys are those of the reference plugin `vlan`
// (containernetworking/plugins, plugins/main/vlan) without the id, and the `vlanMode` of Spiderpool.

import { z } from 'zod';
import { check } from '../validation.ts';
import { goObject, unchecked } from './go-object.ts';
import type { NetConf } from './net-conf.ts';
import type { CniDns } from './result.ts';
import { INTERFACE_NAME } from './text-fields.ts';

/** The smallest MTU of an IPv4 link (RFC 791), and the largest of a VLAN (ETH_MAX_MTU). */
const MTU_BYTES = { least: 68, most: 65_535 } as const;

const eniVlanConfSchema = goObject({
  type: z.literal('eni-vlan'),
  /** The NIC or bond of the node on which the interface of the pod is made. */
  master: z.string().regex(INTERFACE_NAME, { error: 'must be the name of an interface of the node' }),
  /** Bytes. 0 means that of the master. */
  mtu: z
    .int()
    .refine((bytes) => bytes === 0 || (bytes >= MTU_BYTES.least && bytes <= MTU_BYTES.most), {
      error: `must be ${MTU_BYTES.least} to ${MTU_BYTES.most}, or 0 for that of the master`,
    })
    .default(0),
  /** A VLAN of an id that the user chooses is of type `vlan`. */
  vlanMode: z.literal('auto').optional(),
  vlanId: z
    .unknown()
    .optional()
    .refine((id) => id === undefined, { error: 'must be absent: the source of addresses chooses the VLAN' }),
  dns: unchecked<CniDns>(),
});

export type EniVlanConf = z.infer<typeof eniVlanConfSchema>;

/** Reads the own fields of a configuration. Throws INPUT_INVALID with the field. */
export function parseEniVlanConf(conf: NetConf): EniVlanConf {
  return check(eniVlanConfSchema, conf, { subject: 'eni-vlan configuration' });
}
