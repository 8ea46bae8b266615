// The record of one attachment, and its file format: JSON with a checksum.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { OrbError } from '#base';
import { recordedNicSchema } from './recorded-nic.ts';

/** `intended` is written before the part does anything, `done` after ADD has succeeded. */
const partState = z.enum(['intended', 'done']);

/** The network configuration as the runtime passed it. DEL and CHECK use it if they have no other. */
const netConf = z.record(z.string(), z.unknown());

const allocatedAddressSchema = z.object({
  /** With the prefix length of its subnet: `10.6.0.5/16`. */
  address: z.string(),
  /** Where the source of addresses holds it: a SpiderIPPool. The field's name is that of the first source. */
  pool: z.string(),
  /** The NIC of this address. One allocation serves all NICs of a pod. */
  nic: z.string(),
});

/** The part of the type that gave the addresses. */
const ipamPartSchema = z.object({
  state: partState,
  netConf,
  result: z.unknown(),
  addresses: z.array(allocatedAddressSchema),
  /** A probe found this NIC's addresses free, if the configuration asks for one. */
  probed: z.boolean().optional(),
  /** The addresses are fixed to the pod: a conflict does not replace them. */
  fixed: z.boolean().optional(),
  /** Another pod uses the addresses until this one takes over: they are neither probed nor announced. */
  shared: z.boolean().optional(),
});

/** The part that the coordinator wrote. */
const coordinatorPartSchema = z.object({
  state: partState,
  netConf,
  result: z.unknown(),
  /**
   * Absent if the coordinator was switched off for this NIC. A plan of another version that this one cannot read also
   * counts as absent. DEL then uses the container id.
   */
  plan: recordedNicSchema.optional().catch(undefined),
});

export const attachmentRecordSchema = z.object({
  version: z.literal(1),
  containerId: z.string().min(1),
  interfaceName: z.string().min(1),
  /** The inode distinguishes a namespace from a later one at the same path. */
  netns: z.object({ path: z.string(), inode: z.number().optional() }).optional(),
  network: z.string(),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }).optional(),
  createdAt: z.iso.datetime(),
  /** The container id of a newer sandbox of the same pod. The DEL of this older sandbox then frees no address. */
  supersededBy: z.string().optional(),
  ipam: ipamPartSchema.optional(),
  coordinator: coordinatorPartSchema.optional(),
  /** The parts of all other types. A part that this version does not know belongs to a newer one, and is kept. */
  parts: z.record(z.string(), z.unknown()).optional(),
});

/** One NIC of one sandbox: what each CNI type did for it. */
export type AttachmentRecord = z.infer<typeof attachmentRecordSchema>;
export type IpamPart = z.infer<typeof ipamPartSchema>;
export type CoordinatorPart = z.infer<typeof coordinatorPartSchema>;
export type RecordedAddress = z.infer<typeof allocatedAddressSchema>;

const fileSchema = z.object({ sha256: z.string(), record: z.unknown() });

/** The kernel's NAME_MAX is 255. A file that is being written or was set aside has up to 22 more bytes in its name. */
const LONGEST_NAME_BYTES = 200;

/**
 * The record's file name. No runtime uses `+` in container ids or interface names; in any case, the content of the
 * record decides. The CNI specification does not limit the length of a container id. A long id is replaced by `+` and
 * its hash; no id begins with `+`.
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

/**
 * Throws ATTACHMENT_DAMAGED if the bytes are not a complete record of ours, or if `readParts` throws. That reads the
 * further parts.
 */
export function decodeRecord(
  bytes: Uint8Array,
  name: string,
  readParts: (record: AttachmentRecord) => AttachmentRecord = (record) => record,
): AttachmentRecord {
  try {
    const file = fileSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    if (file.sha256 !== checksum(file.record)) throw new Error('the checksum does not match the record');
    const record = readParts(attachmentRecordSchema.parse(file.record));
    // The file of a record is deleted by its name. A copy under another name would restore the record at each start of
    // the agent.
    if (name !== recordFileName(record)) throw new Error(`the record belongs to ${recordFileName(record)}`);
    return record;
  } catch (cause) {
    throw new OrbError('ATTACHMENT_DAMAGED', {
      message: `the attachment file ${name} is damaged`,
      subject: name,
      said: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}

/** The checksum of the JSON text without white space. Parsing and writing keep the order of the fields. */
function checksum(record: unknown): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('hex');
}
