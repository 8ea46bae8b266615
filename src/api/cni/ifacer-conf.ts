// The configuration of the `ifacer` plugin: the parent interface that the next plugin, the main plugin, uses.

import { z } from 'zod';
import { check } from '../validation.ts';
import { goObject } from './go-object.ts';
import type { NetConf } from './net-conf.ts';
import { INTERFACE_NAME } from './text-fields.ts';

const interfaceName = z.string().regex(INTERFACE_NAME, {
  error:
    'must be the name of an interface: 1 to 15 characters without "/", ":" or blanks, and not "." or ".."',
});

export const ifacerConfSchema = goObject({
  type: z.literal('ifacer'),
  /** Interfaces of the node: the parent of a VLAN, or the ports of a bond. Several without `bond` are left as they are. */
  interfaces: z
    .array(interfaceName)
    .optional()
    .transform((names = []) => names)
    .refine((names) => names.length > 0, {
      error: 'invalid config: interfaces have at least one interface',
    }),
  /** 0 means no VLAN. */
  vlanID: z
    .int()
    .refine((id) => id >= 0 && id <= 4094, { error: 'invalid vlan tag: must be 0 to 4094' })
    .default(0),
  bond: goObject({
    name: z.union([z.literal(''), interfaceName]).default(''),
    /** The kernel's numbers: 0 balance-rr to 6 balance-alb. */
    mode: z
      .int()
      .refine((mode) => mode >= 0 && mode <= 6, { error: 'invalid bond mode: must be 0 to 6' })
      .default(0),
    /** Pairs of key and value, for example `miimon=100;xmit_hash_policy=layer3+4`. */
    options: z.string().default(''),
  }).optional(),
});

export type IfacerConf = z.infer<typeof ifacerConfSchema>;

/** Reads the ifacer's own fields of a configuration. */
export function parseIfacerConf(conf: NetConf): IfacerConf {
  return check(ifacerConfSchema, conf, { subject: 'ifacer configuration' });
}
