// Address families in rtnetlink.

import type { Family } from '#ip';

const AF_INET = 2;
const AF_INET6 = 10;

/** The kernel's number of the family. Without a family, that of all: AF_UNSPEC. */
export function familyNumber(family: Family | undefined): number {
  if (family === undefined) return 0;
  return family === 4 ? AF_INET : AF_INET6;
}

/** Undefined for families that we do not support (bridge, MPLS, multicast routing). */
export function familyOf(number: number): Family | undefined {
  if (number === AF_INET) return 4;
  return number === AF_INET6 ? 6 : undefined;
}
