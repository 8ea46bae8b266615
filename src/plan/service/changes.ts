// From the tables that the kernel has to those it should have: the writes, in an order in which no socket call sees half
// a change.

import { sameAddress } from '#ip';
import {
  type Backends,
  type Frontend,
  type Place,
  placeText,
  type ServiceEntry,
  type ServiceTable,
} from './tables.ts';

/** An entry as the kernel has it. */
export interface WrittenEntry extends ServiceEntry {
  /** The number of its list of backends. A changed list has a new number, so a call reads the old list or the new one. */
  readonly set: number;
}

/** By `frontendKey`. */
export type WrittenTable = ReadonlyMap<string, WrittenEntry>;

/** One backend of a set. */
export interface SetMember {
  readonly set: number;
  readonly index: number;
  readonly backend: Place;
}

/** A backend of a set that sockets may keep. */
export interface ServingMember {
  readonly set: number;
  readonly backend: Place;
  readonly takesNew: boolean;
}

/** The writes in their order. */
export interface TableChanges {
  readonly putMembers: readonly SetMember[];
  readonly putServing: readonly ServingMember[];
  /** Each of these writes switches one frontend from its old set to its new one. */
  readonly putServices: readonly WrittenEntry[];
  readonly removeServices: readonly Frontend[];
  readonly removeServing: readonly ServingMember[];
  readonly removeMembers: readonly SetMember[];
  /** What the kernel has afterwards. */
  readonly written: WrittenTable;
  /** The highest number of a set that was ever given. */
  readonly lastSet: number;
}

/** Both tables may be those of some Services only. An entry that is not wanted is removed. */
export function changeTables(have: WrittenTable, want: ServiceTable, lastSet: number): TableChanges {
  const written = new Map<string, WrittenEntry>();
  const put: WrittenEntry[] = [];
  const left: WrittenEntry[] = [];
  for (const [key, entry] of want) {
    const before = have.get(key);
    if (before !== undefined && sameBackends(before.backends, entry.backends)) {
      // What was read from the kernel is not kept beside what is wanted.
      written.set(key, { ...entry, set: before.set });
      continue;
    }
    const now = { ...entry, set: lastSet + put.length + 1 };
    written.set(key, now);
    put.push(now);
    if (before !== undefined) left.push(before);
  }
  const gone = [...have].filter(([key]) => !want.has(key)).map(([, entry]) => entry);
  left.push(...gone);
  return {
    putMembers: put.flatMap(membersOf),
    putServing: put.flatMap(servingOf),
    putServices: put,
    removeServices: gone.map(({ frontend }) => frontend),
    removeServing: left.flatMap(servingOf),
    removeMembers: left.flatMap(membersOf),
    written,
    lastSet: lastSet + put.length,
  };
}

export function membersOf({ set, backends }: WrittenEntry): SetMember[] {
  return backends.ready.map((backend, index) => ({ set, index, backend }));
}

/** Only UDP sockets and clients with affinity come back to a backend. */
export function servingOf({ set, frontend, backends }: WrittenEntry): ServingMember[] {
  if (frontend.protocol !== 'UDP' && backends.affinitySeconds === 0) return [];
  const of = (takesNew: boolean) => (backend: Place) => ({ set, backend, takesNew });
  return [...backends.ready.map(of(true)), ...backends.draining.map(of(false))];
}

function sameBackends(a: Backends, b: Backends): boolean {
  return (
    a === b ||
    (a.affinitySeconds === b.affinitySeconds &&
      samePlaces(a.ready, b.ready) &&
      samePlaces(a.draining, b.draining))
  );
}

/** The order does not matter: any backend is as good as another. */
function samePlaces(a: readonly Place[], b: readonly Place[]): boolean {
  if (a.length !== b.length) return false;
  if (a.every((place, index) => samePlace(place, b[index]))) return true;
  const texts = new Set(a.map(placeText));
  return b.every((place) => texts.has(placeText(place)));
}

function samePlace(a: Place, b: Place | undefined): boolean {
  return b !== undefined && a.port === b.port && sameAddress(a.address, b.address);
}
