// CIDRs: an address with a prefix length. Host bits may be set (an interface's address) or must be clear (a network).

import { OrbError } from '#base';
import {
  type Address,
  type Family,
  formatAddress,
  maxPrefixLength,
  parseAddress,
  sameAddress,
} from './address.ts';
import type { AddressRange } from './range.ts';

/** An address and its prefix length. The host bits may be set. {@link networkOf} clears them. */
export interface Cidr {
  readonly address: Address;
  readonly prefixLength: number;
}

/**
 * Reads `address/length`. Host bits are allowed. The length is decimal without leading zeros. The IPv4-mapped form is
 * refused, because its length could count 128 bits or 32.
 */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf('/');
  const refuse = (cause?: unknown): never => {
    const message = `invalid CIDR '${text}'; allowed: an IP address, '/' and a prefix length of 0 to 32 (IPv4) or 0 to 128 (IPv6)`;
    throw new OrbError('INPUT_INVALID', { message, cause });
  };
  if (slash < 0) return refuse();
  const length = text.slice(slash + 1);
  let address: Address;
  try {
    address = parseAddress(text.slice(0, slash));
  } catch (error) {
    return refuse(error);
  }
  const mapped = address.family === 4 && text.includes(':');
  const prefixLength = Number(length);
  if (mapped || !/^(0|[1-9]\d{0,2})$/.test(length) || prefixLength > maxPrefixLength(address.family))
    refuse();
  return { address, prefixLength };
}

/** Reads a network in canonical form: host bits are clear, and the address is as {@link formatAddress} writes it. */
export function parseNetwork(text: string): Cidr {
  const cidr = parseCidr(text);
  const canonical = formatCidr(networkOf(cidr));
  if (text !== canonical) {
    // Spiderpool's text (pkg/ip). Scripts search for it.
    const message = `unformatted subnet ${text}, please change it to ${canonical}`;
    throw new OrbError('INPUT_INVALID', { message });
  }
  return cidr;
}

export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.address)}/${cidr.prefixLength}`;
}

export function sameCidr(a: Cidr, b: Cidr): boolean {
  return a.prefixLength === b.prefixLength && sameAddress(a.address, b.address);
}

/** The network of the CIDR, with its host bits clear. */
export function networkOf(cidr: Cidr): Cidr {
  const { address, prefixLength } = cidr;
  const shift = hostBits(cidr);
  return { address: { family: address.family, value: (address.value >> shift) << shift }, prefixLength };
}

/** Every address of the network. */
export function cidrRange(cidr: Cidr): AddressRange {
  const first = networkOf(cidr).address;
  return { first, last: { family: first.family, value: first.value | ((1n << hostBits(cidr)) - 1n) } };
}

/**
 * The addresses of the network that no machine may have. IPv4: the network address and the broadcast address (RFC 1122
 * §3.2.1.3), but none in a /31 (RFC 3021) or /32. IPv6: the subnet-router anycast address (RFC 4291 §2.6.1), but none
 * in a /127 (RFC 6164) or /128.
 */
export function unusableAddresses(cidr: Cidr): Address[] {
  if (hostBits(cidr) < 2n) return [];
  const { first, last } = cidrRange(cidr);
  return first.family === 4 ? [first, last] : [first];
}

export function cidrContains(cidr: Cidr, address: Address): boolean {
  const shift = hostBits(cidr);
  return cidr.address.family === address.family && cidr.address.value >> shift === address.value >> shift;
}

/** Whether the two networks overlap. One then contains the other. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return a.prefixLength < b.prefixLength ? cidrContains(a, b.address) : cidrContains(b, a.address);
}

/** The network with only this address: /32 or /128. */
export function hostCidr(address: Address): Cidr {
  return { address, prefixLength: maxPrefixLength(address.family) };
}

/** `0.0.0.0/0` or `::/0`: the destination of a default route. */
export function defaultDestination(family: Family): Cidr {
  return { address: { family, value: 0n }, prefixLength: 0 };
}

/** The CIDR as a label value, as Spiderpool writes it: `172.18.40.0/24` becomes `172-18-40-0-24`. */
export function cidrLabel(cidr: Cidr): string {
  return formatCidr(cidr).replaceAll(/[.:/]/g, '-');
}

function hostBits(cidr: Cidr): bigint {
  return BigInt(maxPrefixLength(cidr.address.family) - cidr.prefixLength);
}
