// Ranges of addresses as networks.

import { type Address, maxPrefixLength } from './address.ts';
import type { Cidr } from './cidr.ts';
import type { AddressRange } from './range.ts';

/** The fewest networks that have exactly the addresses of the range, in their order. */
export function rangeBlocks({ first, last }: AddressRange): Cidr[] {
  const { family } = first;
  const blocks: Cidr[] = [];
  for (let value = first.value; value <= last.value; ) {
    let hostBits = 0;
    while (hostBits < maxPrefixLength(family) && fits(value, BigInt(hostBits + 1), last)) hostBits += 1;
    blocks.push({ address: { family, value }, prefixLength: maxPrefixLength(family) - hostBits });
    value += 1n << BigInt(hostBits);
  }
  return blocks;
}

/** Whether a network with so many host bits begins here, and ends within the range. */
function fits(value: bigint, hostBits: bigint, last: Address): boolean {
  const size = 1n << hostBits;
  return value % size === 0n && value + size - 1n <= last.value;
}
