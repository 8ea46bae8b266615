// Stored objects of our kinds that do not fit their schema, for example because an older webhook let them pass. A program gets
// them without what does not fit, and with a note. It must leave them out, and may say so on the object.

import type { KubeObject } from './resource.ts';

/** A symbol is written to no server, and `{ ...object }` keeps it. */
const note = Symbol('unreadable');

interface Noted {
  readonly [note]?: string;
}

/** The object with the note. */
export function markUnreadable<T extends KubeObject>(object: T, text: string): T {
  return Object.assign(object, { [note]: text });
}

/** Why the object cannot be read. Undefined if it can. */
export function unreadableNote(object: KubeObject): string | undefined {
  return (object as Noted)[note];
}
