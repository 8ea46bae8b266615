// MAC addresses that we choose. Those of a veth pair are derived from the attachment, and a pod's from a prefix.

import { type Address, addressBytes } from '#ip';
import type { Mac } from '#net';

/**
 * A locally administered unicast address for one end of the container's veth pair. It is derived, not random, so that a
 * repeated ADD finds correct permanent neighbours. It is set when the link is created, so that systemd's
 * MACAddressPolicy does not change it (Spiderpool #2303, #2464).
 */
export function vethMac(containerId: string, end: 'pod' | 'node'): Mac {
  const hash = fnv1a(`${containerId}/${end}`);
  const bytes = Array.from({ length: 6 }, (_, i) => Number((hash >> BigInt(8 * (5 - i))) & 0xffn));
  bytes[0] = ((bytes[0] ?? 0) | 0x02) & 0xfe;
  return macText(bytes);
}

/** The two bytes of the prefix and the last four of the address: `0a:1b` and 10.20.20.95 make `0a:1b:0a:14:14:5f`. */
export function prefixedMac(prefix: string, address: Address): Mac {
  return `${prefix}:${macText([...addressBytes(address).slice(-4)])}`;
}

/** A short hash of a text. It shows whether an object is still as we made it. */
export function fingerprint(text: string): string {
  return (fnv1a(text) >> 32n).toString(16).padStart(8, '0');
}

function macText(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/**
 * FNV-1a of 64 bits (Noll). It distributes well, and a collision between ends of different pairs gives an attacker no
 * advantage.
 */
function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
}
