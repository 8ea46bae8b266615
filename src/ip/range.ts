// Address ranges in Spiderpool's notation: one address `a`, or `a-b` with both ends included.

import { OrbError } from '#base';
import { type Address, type Family, formatAddress, tryParseAddress } from './address.ts';

/** Addresses from `first` to `last`, both included, of one family. */
export interface AddressRange {
  readonly first: Address;
  readonly last: Address;
}

/**
 * Reads `a` or `a-b`. No space is allowed, a ≤ b, and both have one family (`family` if given). A CIDR is not a range.
 */
export function parseRange(text: string, family?: Family): AddressRange {
  const dash = text.indexOf('-');
  const first = tryParseAddress(dash < 0 ? text : text.slice(0, dash));
  const last = dash < 0 ? first : tryParseAddress(text.slice(dash + 1));
  const asked = family ?? first?.family;
  if (
    first === undefined ||
    last === undefined ||
    first.family !== asked ||
    last.family !== asked ||
    first.value > last.value
  ) {
    // Spiderpool's text (pkg/ip), followed by what is allowed.
    const version = `IPv${asked ?? (text.includes(':') ? 6 : 4)}`;
    const message = `invalid IP range format in ${version} '${text}'; allowed: '<ip>' or '<ip>-<ip>' of ${version} without spaces, the lower address first`;
    throw new OrbError('INPUT_INVALID', { message });
  }
  return { first, last };
}

/** `a` for one address, else `a-b`. */
export function formatRange({ first, last }: AddressRange): string {
  return first.value === last.value ? formatAddress(first) : `${formatAddress(first)}-${formatAddress(last)}`;
}
