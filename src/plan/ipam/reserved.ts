// The addresses that SpiderReservedIPs keep from every pool.

import type { FieldIssue, SpiderReservedIP } from '#api';
import { errorText, OrbError } from '#base';
import { type AddressRange, AddressSet, type Family, parseRange } from '#ip';
import { issuesText } from './pool-network.ts';

/** The reserved addresses of each family. */
export type ReservedAddresses = Readonly<Record<Family, AddressSet>>;

/** All reserved addresses. One that cannot be read is an error: handing out what it means to keep would be worse. */
export function reservedAddresses(objects: Iterable<SpiderReservedIP>): ReservedAddresses {
  const ranges: AddressRange[] = [];
  for (const object of objects) {
    // Spiderpool: a reservation that is being deleted counts no more.
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const issues: FieldIssue[] = [];
    ranges.push(...readReservedRanges(object, issues));
    if (issues.length > 0) {
      const subject = `SpiderReservedIP ${object.metadata.name ?? ''}`;
      throw new OrbError('IPPOOL_INVALID', { message: `${subject}: ${issuesText(issues)}`, subject });
    }
  }
  const of = (family: Family) =>
    AddressSet.of(
      family,
      ranges.filter(({ first }) => first.family === family),
    );
  return { 4: of(4), 6: of(6) };
}

/** The ranges of one object; what is wrong goes to `issues`. */
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

/** The family of the first entry, which is that of all; undefined where it cannot be read. */
export function reservedFamily(ips: readonly string[]): Family | undefined {
  try {
    return ips[0] === undefined ? undefined : parseRange(ips[0]).first.family;
  } catch {
    // The entry is checked on its own and reported there.
    return undefined;
  }
}
