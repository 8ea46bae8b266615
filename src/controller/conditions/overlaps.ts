// Which pools and subnets share addresses with others. A change of one may concern others, so it is worked out for all at
// once, and again only when something that counts has changed.

import type { KubeObject, SpiderIPPool, SpiderSubnet } from '#api';
import { keyOf } from '#kube';
import { OVERLAPPING_CONDITION, overlapNotes } from '#plan/ipam';
import { type SubnetOverlap, subnetOverlaps } from '#plan/subnet';
import type { AddressState } from '../kinds.ts';

type Kind = 'pools' | 'subnets';

/** What is known of those that overlap, by name. */
interface Overlapping {
  readonly pools: ReadonlyMap<string, string>;
  readonly subnets: ReadonlyMap<string, SubnetOverlap>;
}

export class Overlaps {
  /** What counts of each object. Undefined: it must be worked out again. */
  #seen: Readonly<Record<Kind, ReadonlyMap<string, string>>> | undefined;
  #found: Overlapping = { pools: new Map(), subnets: new Map() };

  /** Everything may have changed. */
  forget(): void {
    this.#seen = undefined;
  }

  /** The object of this key was added, changed or deleted. */
  changed(kind: Kind, key: string, state: AddressState): void {
    const object = state[kind].get(key);
    if (this.#seen?.[kind].get(key) !== (object && factsOf(object))) this.#seen = undefined;
  }

  /** `tell` gets each object of which something else is known now. */
  now({ pools, subnets }: AddressState, tell: (kind: Kind, object: KubeObject) => void): Overlapping {
    if (this.#seen !== undefined) return this.#found;
    const all = { pools: pools.list(), subnets: subnets.list() };
    const before = this.#found;
    const found = { pools: overlapNotes(all.pools), subnets: subnetOverlaps(all.subnets, all.pools) };
    this.#seen = { pools: factsOfAll(all.pools), subnets: factsOfAll(all.subnets) };
    this.#found = found;
    for (const pool of all.pools) {
      const { name = '' } = pool.metadata;
      if (before.pools.get(name) !== found.pools.get(name)) tell('pools', pool);
    }
    for (const subnet of all.subnets) {
      const { name = '' } = subnet.metadata;
      if (before.subnets.get(name)?.message !== found.subnets.get(name)?.message) tell('subnets', subnet);
    }
    return found;
  }
}

function factsOfAll(objects: readonly (SpiderIPPool | SpiderSubnet)[]): ReadonlyMap<string, string> {
  return new Map(objects.map((object) => [keyOf(object), factsOf(object)]));
}

/** Most changes of a pool are of its addresses in use. */
function factsOf({ metadata: { uid, generation }, status }: SpiderIPPool | SpiderSubnet): string {
  const marked = status?.conditions?.find(({ type }) => type === OVERLAPPING_CONDITION);
  return [uid, generation, marked?.status, marked?.reason].join(' ');
}
