// UDP flows whose Service has changed: the kernel keeps sending them where they went before (kubernetes #8795).

import { type Frontend, frontendKey, type Place, placeText } from '../service/index.ts';
import type { PacketEntry } from './packet-entries.ts';

/** A flow that the kernel follows. */
export interface Flow {
  /** Where its sender sends. */
  readonly to: Frontend;
  /** From where the answers come: the backend, or `to` itself if nothing is translated. */
  readonly from: Place;
}

/**
 * The flows to a front that does not have their backend, not even one that ends soon.
 * @param gone keys of fronts that are not served any more
 */
export function staleFlows<T extends Flow>(
  flows: readonly T[],
  entryOf: (key: string) => PacketEntry | undefined,
  gone: ReadonlySet<string>,
): T[] {
  return flows.filter(({ to, from }) => {
    const key = frontendKey(to);
    const entry = entryOf(key);
    if (entry === undefined) return gone.has(key) && placeText(to) !== placeText(from);
    const { backends, outside = [] } = entry;
    return ![...backends.ready, ...backends.draining, ...outside].some(
      (place) => placeText(place) === placeText(from),
    );
  });
}
