// The addresses that nodes tell to be used by other machines. The annotations are parsed again only when one has changed.

import type { Node } from '#api';
import { keyOf } from '#kube';
import { QUARANTINE_ANNOTATION, quarantinesOf, type ToldQuarantine } from '#plan/ipam';
import type { AddressState } from '../kinds.ts';

export class Quarantines {
  /** The annotation of each node, by key. Undefined: they must be read again. */
  #seen: ReadonlyMap<string, string | undefined> | undefined;
  #told: readonly ToldQuarantine[] = [];

  /** Everything may have changed. */
  forget(): void {
    this.#seen = undefined;
  }

  /** The node of this key was added, changed or deleted. Returns whether it tells something else now. */
  changed(key: string, { nodes }: AddressState): boolean {
    const node = nodes.get(key);
    if (this.#seen?.get(key) === (node && textOf(node))) return false;
    this.#seen = undefined;
    return true;
  }

  /** What nodes tell at this time. `tell` is called if it may be something else than before. */
  at(nowMs: number, { nodes }: AddressState, tell: () => void): readonly ToldQuarantine[] {
    if (this.#seen === undefined) {
      const all = nodes.list();
      this.#seen = new Map(all.map((node) => [keyOf(node), textOf(node)]));
      this.#told = quarantinesOf(all, nowMs);
      tell();
    }
    return this.#told.filter(({ untilMs }) => untilMs > nowMs);
  }
}

function textOf({ metadata }: Node): string | undefined {
  return metadata.annotations?.[QUARANTINE_ANNOTATION];
}
