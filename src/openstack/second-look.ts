// What a server does not show may only be late, so it is gone only if two looks agree.

/** Between the two looks. */
export const SECOND_LOOK_MS = 1_000;
