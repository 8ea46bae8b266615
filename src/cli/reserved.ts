// The reserved addresses, as far as the user may read them.

import { resources } from '#api';
import { type ReservedAddresses, readReserved, type UnreadableReserved } from '#plan/ipam';
import type { PartialReader } from './partial-reader.ts';

/** Notes what cannot be read, unless the caller tells of `unreadable` itself. */
export async function reservedFor(reader: PartialReader): Promise<ReservedAddresses> {
  const { reserved, unreadable } = await readableReserved(reader);
  for (const { name, error } of unreadable) reader.note(`SpiderReservedIP ${name} cannot be read: ${error}`);
  return reserved;
}

export async function readableReserved(reader: PartialReader): Promise<{
  readonly reserved: ReservedAddresses;
  readonly unreadable: readonly UnreadableReserved[];
}> {
  const so = 'reserved addresses may count as free, because SpiderReservedIPs cannot be read';
  return readReserved((await reader.list(resources.spiderReservedIPs, so)) ?? []);
}
