// The maps of Services in the kernel: what they hold, and writing changes to them.

import {
  frontendKey,
  type Place,
  type TableChanges,
  type WrittenEntry,
  type WrittenTable,
} from '#plan/service';
import type { BpfMap } from './map.ts';
import {
  packFrontends,
  packMembers,
  packServices,
  packServing,
  readMembers,
  readServices,
  readServing,
  type serviceMaps,
} from './service-maps.ts';

export type ServiceMaps = Readonly<Record<keyof typeof serviceMaps, BpfMap>>;

/** What the maps hold. */
export interface HeldServices {
  readonly written: WrittenTable;
  readonly lastSet: number;
}

/**
 * Reads the maps, after a start for example. Backends of sets that no Service leads to are removed: a program that ended
 * while it wrote has left them.
 */
export async function readServiceTables(maps: ServiceMaps): Promise<HeldServices> {
  const services = readServices(maps.services.entries());
  const members = readMembers(maps.members.entries());
  const serving = readServing(maps.serving.entries());
  const sets = new Set(services.map(({ set }) => set));
  const isLeft = ({ set }: { readonly set: number }) => !sets.has(set);
  await maps.serving.remove(packServing(serving.filter(isLeft)).keys);
  await maps.members.remove(packMembers(members.filter(isLeft)).keys);

  const ready = placesBySet(members.toSorted((a, b) => a.index - b.index));
  const draining = placesBySet(serving.filter(({ takesNew }) => !takesNew));
  const written = new Map<string, WrittenEntry>();
  for (const { frontend, set, affinitySeconds } of services) {
    const backends = { ready: ready.get(set) ?? [], draining: draining.get(set) ?? [], affinitySeconds };
    written.set(frontendKey(frontend), { frontend, backends, set });
  }
  const lastSet = [...services, ...members, ...serving].reduce((most, { set }) => Math.max(most, set), 0);
  return { written, lastSet };
}

function placesBySet(members: readonly { readonly set: number; readonly backend: Place }[]) {
  const places = new Map<number, Place[]>();
  for (const { set, backend } of members) {
    const known = places.get(set);
    if (known === undefined) places.set(set, [backend]);
    else known.push(backend);
  }
  return places;
}

/**
 * Writes the changes. New backends come first, then the Services that lead to them, and last goes what no Service leads
 * to any more. It can end between any two: a Service has its old backends or its new ones.
 */
export async function writeServiceTables(maps: ServiceMaps, changes: TableChanges): Promise<void> {
  await maps.members.put(packMembers(changes.putMembers));
  await maps.serving.put(packServing(changes.putServing));
  await maps.services.put(packServices(changes.putServices));
  await maps.services.remove(packFrontends(changes.removeServices));
  await maps.counted.remove(packFrontends(changes.removeServices));
  await maps.serving.remove(packServing(changes.removeServing).keys);
  await maps.members.remove(packMembers(changes.removeMembers).keys);
}
