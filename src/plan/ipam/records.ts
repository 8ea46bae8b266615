// `status.allocatedIPs` of a pool: JSON text that maps each address to its holder.

import {
  check,
  type IaasPlace,
  type PoolAllocation,
  type PoolAllocations,
  parseJson,
  poolAllocationsSchema,
  type SpiderIPPool,
} from '#api';
import { OrbError } from '#base';
import { type Family, formatAddress, tryParseAddress } from '#ip';

/**
 * The records by canonical address. An unreadable record is an error, because a pod may use its address. `previous` are
 * the records of an earlier text. Their addresses are not parsed again: a pool has thousands, and few change.
 */
export function parseRecords(
  pool: string,
  family: Family,
  text: string,
  previous?: ReadonlyMap<string, PoolAllocation>,
): Map<string, PoolAllocation> {
  const subject = `SpiderIPPool ${pool} status.allocatedIPs`;
  const records = new Map<string, PoolAllocation>();
  if (text === '') return records;
  const refuse = (message: string): never => {
    throw new OrbError('IPPOOL_STATUS_INVALID', { message: `${subject}: ${message}`, subject });
  };
  for (const [key, record] of Object.entries(allocationsIn(text, subject))) {
    const canonical = previous?.has(key) === true ? key : canonicalText(key, family);
    if (canonical === undefined)
      return refuse(`'${key}' is not an IPv${family} address, but the pool has IPv${family} addresses`);
    if (records.has(canonical)) refuse(`'${canonical}' is recorded twice`);
    records.set(canonical, record);
  }
  return records;
}

/**
 * The records that `text` has after those of an earlier one, whose {@link openText} is `open`. Undefined if it does not
 * continue that text. Most writes only add records, and those of a large pool take milliseconds to parse.
 */
export function appendedRecords(
  pool: string,
  family: Family,
  text: string,
  open: string,
): ReadonlyMap<string, PoolAllocation> | undefined {
  // V8 compares two strings word by word, but startsWith character by character.
  const isContinued = open !== '' && text.slice(0, open.length) === open && text.charAt(open.length) === ',';
  if (!isContinued) return undefined;
  const records = parseRecords(pool, family, `{${text.slice(open.length + 1)}`);
  return records.size === 0 ? undefined : records;
}

/**
 * Whether a record of the pool may have the text: a UID, or a name in quotes. The records are not parsed. With a
 * backslash, JSON may write the text in another way.
 */
export function recordsMayName({ status }: SpiderIPPool, text: string): boolean {
  const records = status?.allocatedIPs ?? '';
  return records.includes(text) || records.includes('\\');
}

/** The records as text. Empty if there are none. */
export function recordsText(records: ReadonlyMap<string, PoolAllocation>): string {
  if (records.size === 0) return '';
  return `{${Array.from(records, ([key, record]) => `"${key}":${recordText(record)}`).join(',')}}`;
}

/**
 * The text without its last brace, so that a record can be added at the end. It is empty if there are none. Most writes
 * of a large pool only add records.
 */
export function openText(text: string, records: ReadonlyMap<string, PoolAllocation>): string {
  return records.size === 0 ? '' : text.trimEnd().slice(0, -1);
}

/** An open text with one more record. */
export function openTextWith(open: string, key: string, record: PoolAllocation): string {
  return `${open}${open === '' ? '{' : ','}"${key}":${recordText(record)}`;
}

/** The complete text. */
export function closedText(open: string): string {
  return open === '' ? '' : `${open}}`;
}

/** The length of `"key":{…},` in the text. */
export function recordBytes(key: string, record: PoolAllocation): number {
  return key.length + recordText(record).length + 4;
}

/** Records never change. A pool is written again and again with nearly the same ones. */
const texts = new WeakMap<PoolAllocation, string>();

function recordText(record: PoolAllocation): string {
  const known = texts.get(record);
  if (known !== undefined) return known;
  const text = JSON.stringify(record);
  texts.set(record, text);
  return text;
}

function canonicalText(key: string, family: Family): string | undefined {
  const address = tryParseAddress(key);
  return address?.family === family ? formatAddress(address) : undefined;
}

function allocationsIn(text: string, subject: string): PoolAllocations {
  const checked = { subject, code: 'IPPOOL_STATUS_INVALID' } as const;
  const parsed = parseJson(text, checked);
  // The schema takes ten times as long. It finds the words for what is wrong.
  return areAllocations(parsed) ? parsed : check(poolAllocationsSchema, parsed, checked);
}

/** Whether {@link poolAllocationsSchema} accepts the value. */
function areAllocations(value: unknown): value is PoolAllocations {
  return isObject(value) && Object.values(value).every(isAllocation);
}

function isAllocation(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { pod, podUid, nic, iaas } = value as Partial<Record<keyof PoolAllocation, unknown>>;
  return (
    typeof pod === 'string' &&
    typeof podUid === 'string' &&
    (nic === undefined || typeof nic === 'string') &&
    (iaas === undefined || isPlace(iaas))
  );
}

function isPlace(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { node, parentNicMac } = value as Partial<Record<keyof IaasPlace, unknown>>;
  return typeof node === 'string' && typeof parentNicMac === 'string';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
