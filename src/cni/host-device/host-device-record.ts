// What `host-device-plus` keeps of an attachment. It is on the disk before a NIC moves.

import { z } from 'zod';
import type { RecordPart } from '#node';

const schema = z.object({
  /** `intended` is written before anything is done, `done` after ADD has succeeded. */
  state: z.enum(['intended', 'done']),
  netConf: z.record(z.string(), z.unknown()),
  result: z.unknown(),
  /** The NIC is made by the cloud, and given back to it. */
  ofCloud: z.boolean(),
  /** The CNI type that gave the addresses; absent if none did, or the cloud. */
  addressesOf: z.string().optional(),
  /** The NIC as it was on the node. Absent before it is chosen, and after it is back. */
  nic: z
    .object({
      name: z.string(),
      mac: z.string(),
      mtuBytes: z.number(),
      up: z.boolean(),
      alias: z.string().optional(),
      /** The kernel deletes a virtual link with its namespace, and gives other links back to the node. */
      virtual: z.boolean(),
    })
    .optional(),
});

export type HostDeviceRecord = z.infer<typeof schema>;
export type RecordedLink = NonNullable<HostDeviceRecord['nic']>;

export const hostDevicePart: RecordPart<HostDeviceRecord> = { name: 'host-device', schema };
