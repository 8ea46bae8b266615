// IP addresses as numbers: strict parsing, canonical text (RFC 5952 for IPv6), bytes, order.

import { OrbError } from '#base';

/** IPv4 or IPv6. */
export type Family = 4 | 6;

/** An IP address: its family, and its 32 or 128 bits as an unsigned number. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Reads an address strictly: four decimal numbers without leading zeros, or IPv6 as in RFC 4291 §2.2. No zone and no
 * space is allowed. An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) becomes its IPv4 address, as with Go's
 * `net.ParseIP` and `To4`. Otherwise two texts could record one address twice.
 */
export function parseAddress(text: string): Address {
  const address = tryParseAddress(text);
  if (address === undefined) {
    const allowed =
      "four decimal numbers of 0 to 255 without leading zeros ('10.6.0.5'), or IPv6 without a zone ('fd00::5')";
    throw new OrbError('INPUT_INVALID', { message: `invalid IP address '${text}'; allowed: ${allowed}` });
  }
  return address;
}

/** Like {@link parseAddress}, but returns undefined instead of an error. */
export function tryParseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const bits = ipv4Bits(text, 0);
    return bits < 0 ? undefined : { family: 4, value: BigInt(bits) };
  }
  const value = ipv6Bits(text);
  if (value === undefined) return undefined;
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value };
}

/** The 32 bits of the dotted text from `start` to the end. -1 if it is no IPv4 address. */
function ipv4Bits(text: string, start: number): number {
  let bits = 0;
  let octet = -1;
  let dots = 0;
  for (let i = start; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === DOT) {
      if (octet < 0 || ++dots > 3) return -1;
      bits = bits * 256 + octet;
      octet = -1;
    } else {
      if (char < ZERO || char > NINE || octet === 0) return -1;
      octet = (octet < 0 ? 0 : octet * 10) + char - ZERO;
      if (octet > 255) return -1;
    }
  }
  return octet < 0 || dots !== 3 ? -1 : bits * 256 + octet;
}

/** The 128 bits of the text, which contains a colon. Undefined if it is no IPv6 address. */
function ipv6Bits(text: string): bigint | undefined {
  const gap = text.indexOf('::');
  if (gap < 0) {
    const groups = ipv6Groups(text, true);
    return groups?.length === 8 ? fromGroups(groups) : undefined;
  }
  const head = ipv6Groups(text.slice(0, gap), false);
  const tail = ipv6Groups(text.slice(gap + 2), true);
  // "::" stands for at least one group, as in Go's netip and inet_pton.
  if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined;
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0);
  return fromGroups([...head, ...zeros, ...tail]);
}

/** The 16-bit groups of colon-separated text. If `dotted`, the last part may be four decimal numbers. */
function ipv6Groups(text: string, dotted: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (dotted && index === parts.length - 1 && part.includes('.')) {
      const bits = ipv4Bits(part, 0);
      if (bits < 0) return undefined;
      groups.push(Math.floor(bits / 0x1_0000), bits % 0x1_0000);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function fromGroups(groups: readonly number[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** The canonical text: dotted decimal, or RFC 5952. */
export function formatAddress(address: Address): string {
  return address.family === 4 ? formatIpv4(Number(address.value)) : formatIpv6(address.value);
}

function formatIpv4(bits: number): string {
  return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
}

function formatIpv6(value: bigint): string {
  // RFC 5952 §5: a well-known prefix of embedded IPv4 is written as such. Only addresses from bytes can have one.
  if (value >> 32n === 0xffffn) return `::ffff:${formatIpv4(Number(value & 0xffff_ffffn))}`;
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  const gap = longestZeros(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (gap.length < 2) return text(groups);
  return `${text(groups.slice(0, gap.start))}::${text(groups.slice(gap.start + gap.length))}`;
}

/** The first of the longest runs of zero groups (RFC 5952 §4.2.3). */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}

/** The address in network byte order: 4 or 16 bytes. */
export function addressBytes(address: Address): Uint8Array {
  const bytes = new Uint8Array(address.family === 4 ? 4 : 16);
  const view = new DataView(bytes.buffer);
  if (address.family === 4) {
    view.setUint32(0, Number(address.value));
  } else {
    view.setBigUint64(0, address.value >> 64n);
    view.setBigUint64(8, BigInt.asUintN(64, address.value));
  }
  return bytes;
}

/** The address of 4 or 16 bytes in network byte order. 16 bytes are always IPv6, mapped or not. */
export function addressFromBytes(bytes: Uint8Array): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 4) return { family: 4, value: BigInt(view.getUint32(0)) };
  if (bytes.length === 16) return { family: 6, value: (view.getBigUint64(0) << 64n) | view.getBigUint64(8) };
  throw new OrbError('INPUT_INVALID', { message: `an IP address has 4 or 16 bytes, not ${bytes.length}` });
}

/** Bits of an address of the family: 32 or 128. */
export function maxPrefixLength(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Sorts IPv4 before IPv6, then by value. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}
