// The addresses that SpiderReservedIPs reserve. No pool may give them out.

import { type FieldIssue, type SpiderReservedIP, unreadableNote } from '#api';
import { errorText, OrbError } from '#base';
import { type AddressRange, AddressSet, type Family, parseRange } from '#ip';
import { issuesText } from './pool-network.ts';

/** The reserved addresses of each family. */
export type ReservedAddresses = Readonly<Record<Family, AddressSet>>;

/**
 * All reserved addresses. An unreadable entry is an error. Otherwise a pool could give out the address that it
 * reserves.
 */
export function reservedAddresses(objects: Iterable<SpiderReservedIP>): ReservedAddresses {
  const { reserved, unreadable } = readReserved(objects);
  const [first] = unreadable;
  if (first === undefined) return reserved;
  const subject = `SpiderReservedIP ${first.name}`;
  throw new OrbError('IPPOOL_INVALID', { message: `${subject}: ${first.error}`, subject });
}

/** A SpiderReservedIP that cannot be read as a whole. */
export interface UnreadableReserved {
  readonly name: string;
  readonly error: string;
}

/** The reserved addresses that can be read, and the objects that have others. */
export function readReserved(objects: Iterable<SpiderReservedIP>): {
  readonly reserved: ReservedAddresses;
  readonly unreadable: readonly UnreadableReserved[];
} {
  const ranges: AddressRange[] = [];
  const unreadable: UnreadableReserved[] = [];
  for (const object of objects) {
    // As in Spiderpool, a reservation that is being deleted no longer counts.
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const issues: FieldIssue[] = [];
    ranges.push(...readReservedRanges(object, issues));
    const error = unreadableNote(object) ?? (issues.length > 0 ? issuesText(issues) : undefined);
    if (error !== undefined) unreadable.push({ name: object.metadata.name ?? '', error });
  }
  const of = (family: Family) =>
    AddressSet.of(
      family,
      ranges.filter(({ first }) => first.family === family),
    );
  return { reserved: { 4: of(4), 6: of(6) }, unreadable };
}

/** The ranges of one object. Adds what is wrong to `issues`. */
export function readReservedRanges({ spec }: SpiderReservedIP, issues: FieldIssue[]): AddressRange[] {
  const ips = spec?.ips ?? [];
  const family = spec?.ipVersion ?? reservedFamily(ips);
  return ips.flatMap((text, index) => {
    try {
      return parseRange(text, family);
    } catch (error) {
      issues.push({ field: `spec.ips[${index}]`, value: text, message: errorText(error) });
      return [];
    }
  });
}

/** The family of the first entry, which all entries share. Undefined if it cannot be read. */
export function reservedFamily(ips: readonly string[]): Family | undefined {
  try {
    return ips[0] === undefined ? undefined : parseRange(ips[0]).first.family;
  } catch {
    // Each entry is checked separately, and its error is reported there.
    return undefined;
  }
}
