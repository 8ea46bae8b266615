// The parts of an attachment record. Each belongs to one CNI type, or to several that share it.

import type { z } from 'zod';
import {
  type AttachmentRecord,
  attachmentRecordSchema,
  type CoordinatorPart,
  type IpamPart,
} from './attachment-record.ts';

/** What a CNI type keeps of an attachment. The type brings the schema. */
export interface RecordPart<Content = unknown> {
  /** The name in the record. It must never change, because files on the disk have it. */
  readonly name: string;
  readonly schema: z.ZodType<Content>;
}

/** The part of the type that gave the addresses, whichever that is. */
export const ipamPart: RecordPart<IpamPart> = {
  name: 'ipam',
  schema: attachmentRecordSchema.shape.ipam.unwrap(),
};

/** The part of the coordinator, and of the older types that it serves. */
export const coordinatorPart: RecordPart<CoordinatorPart> = {
  name: 'coordinator',
  schema: attachmentRecordSchema.shape.coordinator.unwrap(),
};

/** These two parts have fields of their own, as in the files of older agents. All others are in `parts`. */
type OwnField = 'ipam' | 'coordinator';

function isOwnField(name: string): name is OwnField {
  return name === ipamPart.name || name === coordinatorPart.name;
}

/** The content of the part; undefined if the record has no such part. {@link readParts} has checked it. */
export function partOf<Content>(
  record: AttachmentRecord,
  { name }: RecordPart<Content>,
): Content | undefined {
  return (isOwnField(name) ? record[name] : record.parts?.[name]) as Content | undefined;
}

/** The record with this content of the part; `undefined` removes the part. */
export function withPart<Content>(
  record: AttachmentRecord,
  { name }: RecordPart<Content>,
  content: Content | undefined,
): AttachmentRecord {
  if (isOwnField(name)) return { ...record, [name]: content };
  const { parts = {}, ...fields } = record;
  const { [name]: _, ...others } = parts;
  const left = content === undefined ? others : { ...others, [name]: content };
  return Object.keys(left).length === 0 ? fields : { ...fields, parts: left };
}

/** Whether any type still keeps something in the record. This includes types that only another version serves. */
export function hasParts({ ipam, coordinator, parts = {} }: AttachmentRecord): boolean {
  return ipam !== undefined || coordinator !== undefined || Object.keys(parts).length > 0;
}

/**
 * Checks the parts of types that this version serves. A part of another type is kept as it is. Throws zod's error for a
 * part that does not match the schema of its type.
 */
export function readParts(record: AttachmentRecord, known: readonly RecordPart[]): AttachmentRecord {
  return known
    .filter(({ name }) => !isOwnField(name) && record.parts?.[name] !== undefined)
    .reduce((read, part) => withPart(read, part, part.schema.parse(partOf(read, part))), record);
}
