// What a node remembers of one attachment, and how it stands in a file: JSON with a checksum over it.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { OrbError } from '#base';
import { recordedNicSchema } from './recorded-nic.ts';

/** `intended` is written before anything is done for the part, `done` once ADD has succeeded. */
const partState = z.enum(['intended', 'done']);

/** The network configuration as the runtime passed it: what DEL and CHECK fall back on. */
const netConf = z.record(z.string(), z.unknown());

const allocatedAddressSchema = z.object({
  /** With the prefix length of its pool: `10.6.0.5/16`. */
  address: z.string(),
  pool: z.string(),
  /** The NIC it is for: one allocation serves all NICs of a pod. */
  nic: z.string(),
});

/** The part that IPAM wrote. */
const ipamPartSchema = z.object({
  state: partState,
  netConf,
  result: z.unknown(),
  addresses: z.array(allocatedAddressSchema),
  /** The addresses of this NIC were found free on the wire, where the configuration asks for it. */
  probed: z.boolean().optional(),
  /** The addresses are the pod's for good: a conflict does not exchange them. */
  fixed: z.boolean().optional(),
});

/** The part that the coordinator wrote. */
const coordinatorPartSchema = z.object({
  state: partState,
  netConf,
  result: z.unknown(),
  /**
   * Absent where the coordinator was switched off for this NIC. What another version wrote and this one cannot read counts as
   * absent too: DEL then goes by the container id.
   */
  plan: recordedNicSchema.optional().catch(undefined),
});

export const attachmentRecordSchema = z.object({
  version: z.literal(1),
  containerId: z.string().min(1),
  interfaceName: z.string().min(1),
  /** The inode tells a namespace from a later one at the same path. */
  netns: z.object({ path: z.string(), inode: z.number().optional() }).optional(),
  network: z.string(),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }).optional(),
  createdAt: z.iso.datetime(),
  /** The container id of a newer sandbox of the same pod: this one's DEL frees no address. */
  supersededBy: z.string().optional(),
  ipam: ipamPartSchema.optional(),
  coordinator: coordinatorPartSchema.optional(),
});

/** One NIC of one sandbox: what `spiderpool` and `coordinator` each did for it. */
export type AttachmentRecord = z.infer<typeof attachmentRecordSchema>;
export type AllocatedAddress = z.infer<typeof allocatedAddressSchema>;

const fileSchema = z.object({ sha256: z.string(), record: z.unknown() });

/** NAME_MAX of the kernel is 255; while it is written, or when it is set aside, the name gets up to 22 bytes more. */
const LONGEST_NAME_BYTES = 200;

/**
 * The record's file name. Neither container ids nor interface names hold a `+` in any runtime; the record inside decides. The CNI
 * specification sets no limit to a container id: a long one is named by its hash, after a `+`, which no id begins with.
 */
export function recordFileName(key: {
  readonly containerId: string;
  readonly interfaceName: string;
}): string {
  const name = `${key.containerId}+${key.interfaceName}.json`;
  if (Buffer.byteLength(name) <= LONGEST_NAME_BYTES) return name;
  return `+${createHash('sha256').update(key.containerId).digest('hex')}+${key.interfaceName}.json`;
}

export function encodeRecord(record: AttachmentRecord): Uint8Array {
  const text = JSON.stringify({ sha256: checksum(record), record }, undefined, 2);
  return new TextEncoder().encode(`${text}\n`);
}

/** Throws ATTACHMENT_DAMAGED for what is no whole record of ours. */
export function decodeRecord(bytes: Uint8Array, name: string): AttachmentRecord {
  try {
    const file = fileSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    if (file.sha256 !== checksum(file.record)) throw new Error('the checksum is not that of the record');
    const record = attachmentRecordSchema.parse(file.record);
    // The file of a record goes with it, by its name: a copy would bring the record back with each start of the agent.
    if (name !== recordFileName(record)) throw new Error(`the record is that of ${recordFileName(record)}`);
    return record;
  } catch (cause) {
    throw new OrbError('ATTACHMENT_DAMAGED', {
      message: `attachment file ${name} is damaged`,
      subject: name,
      said: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}

/** Of the JSON text without white space: parsing and writing again keeps the order of the fields. */
function checksum(record: unknown): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('hex');
}
