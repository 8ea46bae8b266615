// A booking: the addresses of a subnet that belong to one pool.

import type { AddressSet } from '#ip';

/**
 * The addresses that the subnet keeps for a pool. The pool's `spec.ips` are always in `held`. So addresses leave
 * `held` only when the pool has the revision that no longer wants them.
 */
export interface Booking {
  /** The UID of the pool. Undefined if Spiderpool wrote the booking, or for a pool that users wrote. */
  readonly uid: string | undefined;
  /** `apps_v1_Deployment_ns_name`. Undefined for a pool that users wrote. */
  readonly application: string | undefined;
  /** No other pool gets these. */
  readonly held: AddressSet;
  /** What the pool should have: a part of `held`. */
  readonly wanted: AddressSet;
  /** Rises with each change of `wanted`. */
  readonly revision: number;
}

/**
 * The booking that wants other addresses. `held` keeps those that the pool may still have. A lower revision could be on
 * its way to the pool, so the new one is above all that the pool has had.
 */
export function wanting(booking: Booking, wanted: AddressSet, poolRevision: number): Booking {
  const revision = Math.max(booking.revision, poolRevision) + 1;
  return { ...booking, held: booking.held.union(wanted), wanted, revision };
}

/** The booking once the pool has its revision: what the pool does not want is free. */
export function settled(booking: Booking): Booking {
  return { ...booking, held: booking.wanted };
}

/** Whether the pool may have addresses that it should give back. */
export function isSettled({ held, wanted }: Booking): boolean {
  return held.equals(wanted);
}

export function sameBooking(a: Booking, b: Booking): boolean {
  return (
    a.uid === b.uid &&
    a.application === b.application &&
    a.revision === b.revision &&
    a.held.equals(b.held) &&
    a.wanted.equals(b.wanted)
  );
}
