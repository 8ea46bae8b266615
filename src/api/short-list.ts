// Limits lists that callers send. The time of a plan grows with the square of its routes, and one agent serves the
// whole node.

import { z } from 'zod';

/** No real network has more addresses or routes. */
const MOST_ENTRIES = 1000;

/** A list of at most 1000 entries. A longer list is refused before its entries are checked. */
export function shortList<T extends z.ZodType>(entry: T) {
  return z.array(z.unknown()).max(MOST_ENTRIES).pipe(z.array(entry));
}
