// What other programs use in a pod's namespace, and which table numbers and marks are free for us.

import { ROUTE_PROTOCOL, type Route, type Rule } from '#net';
import { REPLY_MARK, REPLY_TABLE } from './numbers.ts';

type Mark = NonNullable<Rule['mark']>;

/** Tables that hold a route of another program or are the target of its rules, and the marks of such rules. */
export interface ForeignUse {
  readonly tables: ReadonlySet<number>;
  readonly marks: readonly Mark[];
}

export const noForeignUse: ForeignUse = { tables: new Set(), marks: [] };

/**
 * The numbers that a pod has once, for all its NICs. They are chosen when its first NIC is added, and they are
 * recorded.
 */
export interface PodNumbers {
  /** The table for packets that must go back through the node. */
  readonly replyTable: number;
  /** The table of the NIC that main serves, if the pod has several NICs. */
  readonly besideTable: number;
  /** The table for replies, if the pod has no default route. */
  readonly lastTable: number;
  /** The packet mark of replies. */
  readonly replyMark: number;
}

/** Spiderpool's numbers, which other tools know. */
export const usualNumbers: PodNumbers = {
  replyTable: REPLY_TABLE,
  besideTable: REPLY_TABLE - 1,
  lastTable: REPLY_TABLE - 2,
  replyMark: REPLY_MARK,
};

/** Whether another program made the route or rule. */
export function isForeign({ protocol }: { readonly protocol?: number }): boolean {
  return protocol !== ROUTE_PROTOCOL;
}

export function foreignUse(routes: readonly Route[], rules: readonly Rule[]): ForeignUse {
  const others = rules.filter(isForeign);
  return {
    tables: new Set([...routes.filter(isForeign), ...others].map(({ table }) => table)),
    marks: others.flatMap(({ mark }) => (mark === undefined ? [] : [mark])),
  };
}

/** The first free table from `first` on, upwards or downwards. `taken` are the tables in the pod's records. */
export function freeTable(
  foreign: ForeignUse,
  { first, step = 1, taken = [] }: { first: number; step?: 1 | -1; taken?: readonly number[] },
): number {
  let table = first;
  while (!isFreeTable(foreign, table) || taken.includes(table)) table += step;
  return table;
}

/** Whether neither another program nor the kernel uses the table. The kernel uses default, main and local. */
export function isFreeTable({ tables }: ForeignUse, table: number): boolean {
  return !tables.has(table) && (table < 253 || table > 255);
}

/**
 * Keeps the recorded numbers that no other program uses. The others are chosen again. New tables are below the tables
 * of NICs.
 */
export function podNumbers(foreign: ForeignUse, recorded: PodNumbers = usualNumbers): PodNumbers {
  const table = (first: number, taken: readonly number[]) =>
    isFreeTable(foreign, first) && !taken.includes(first)
      ? first
      : freeTable(foreign, { first: REPLY_TABLE, step: -1, taken });
  const replyTable = table(recorded.replyTable, []);
  const besideTable = table(recorded.besideTable, [replyTable]);
  const lastTable = table(recorded.lastTable, [replyTable, besideTable]);
  return { replyTable, besideTable, lastTable, replyMark: freeMark(foreign, recorded.replyMark) };
}

/** One bit that no rule of another program matches. */
function freeMark({ marks }: ForeignUse, wanted: number): number {
  const bits = Array.from({ length: 31 }, (_, i) => 2 ** i);
  const isFree = (bit: number) => marks.every(({ value, mask }) => (bit & mask) >>> 0 !== value);
  return [wanted, ...bits].find(isFree) ?? wanted;
}
