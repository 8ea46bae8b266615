// Lists in what callers send: a plan takes time with the square of its routes, and one agent serves the whole node.

import { z } from 'zod';

/** No network has as many addresses or routes. */
const MOST_ENTRIES = 1000;

/** A list of at most 1000 entries; a longer one is refused before any of them is looked at. */
export function shortList<T extends z.ZodType>(entry: T) {
  return z.array(z.unknown()).max(MOST_ENTRIES).pipe(z.array(entry));
}
