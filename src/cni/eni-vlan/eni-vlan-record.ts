// What `eni-vlan` keeps of an attachment. It is on the disk before the interface is made.

import { z } from 'zod';
import type { RecordPart } from '#node';

const schema = z.object({
  /** `intended` is written before anything is done, `done` after ADD has succeeded. */
  state: z.enum(['intended', 'done']),
  result: z.unknown(),
  /** The CNI type that gives the addresses. */
  addressesOf: z.string(),
  /** Absent until the source of addresses has chosen the VLAN. */
  link: z
    .object({
      master: z.string(),
      vlanId: z.int(),
      mac: z.string().optional(),
      /** With `done`, the one that the link has. */
      mtuBytes: z.int().optional(),
    })
    .optional(),
});

export type EniVlanRecord = z.infer<typeof schema>;

export const eniVlanPart: RecordPart<EniVlanRecord> = { name: 'eni-vlan', schema };
