// IP addresses as numbers: strict parsing, canonical text (RFC 5952 for IPv6), arithmetic.

import { OrbError } from '#base';

/** IPv4 or IPv6. */
export type Family = 4 | 6;

/** An IP address: its family and its bits as an unsigned number (32 or 128 of them). */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}
