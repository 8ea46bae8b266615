// The entries of all Services, and which Service has an address and port that several want.

import { type Claim, claims } from './fronts.ts';
import { type Frontend, frontendKey } from './tables.ts';

/** What a Service wants to have at a frontend. */
export interface Claimed {
  readonly frontend: Frontend;
  readonly claim: Claim;
}

/** What a change concerns. */
export interface BookChange<Entry extends Claimed> {
  /** Keys of the frontends: `frontendKey`. */
  readonly keys: ReadonlySet<string>;
  /** Those of them that should be there now. */
  readonly want: ReadonlyMap<string, Entry>;
}

export class ServiceBook<Entry extends Claimed> {
  /** By the name of the Service, and by frontend. */
  readonly #services = new Map<string, ReadonlyMap<string, Entry>>();
  /** By frontend: the Services that want it. Nearly always one. */
  readonly #claimants = new Map<string, Set<string>>();

  /** Replaces the entries of a Service; none if it is gone. */
  put(service: string, entries: readonly Entry[]): BookChange<Entry> {
    const before = this.#services.get(service);
    const now = new Map<string, Entry>();
    for (const entry of entries) {
      const key = frontendKey(entry.frontend);
      if (!now.has(key)) now.set(key, entry);
    }
    if (now.size === 0) this.#services.delete(service);
    else this.#services.set(service, now);
    for (const key of before?.keys() ?? []) if (!now.has(key)) this.#leave(key, service);
    for (const key of now.keys()) this.#join(key, service);
    const keys = new Set([...(before?.keys() ?? []), ...now.keys()]);
    return { keys, want: this.#of(keys) };
  }

  /** All that should be there. */
  get table(): ReadonlyMap<string, Entry> {
    return this.#of(this.#claimants.keys());
  }

  #join(key: string, service: string): void {
    const claimants = this.#claimants.get(key);
    if (claimants === undefined) this.#claimants.set(key, new Set([service]));
    else claimants.add(service);
  }

  #leave(key: string, service: string): void {
    const claimants = this.#claimants.get(key);
    claimants?.delete(service);
    if (claimants?.size === 0) this.#claimants.delete(key);
  }

  #of(keys: Iterable<string>): Map<string, Entry> {
    const table = new Map<string, Entry>();
    for (const key of keys) {
      const holder = this.entry(key);
      if (holder !== undefined) table.set(key, holder);
    }
    return table;
  }

  /** What should be at the frontend. */
  entry(key: string): Entry | undefined {
    const owner = this.owner(key);
    return owner === undefined ? undefined : this.#services.get(owner)?.get(key);
  }

  /** The Service that gets the frontend: by what it is for the Service, in the order of {@link claims}. Then the first name counts. */
  owner(key: string): string | undefined {
    const names = [...(this.#claimants.get(key) ?? [])].toSorted();
    const has = (name: string, claim: Claim) => this.#services.get(name)?.get(key)?.claim === claim;
    return claims.flatMap((claim) => names.find((name) => has(name, claim)) ?? [])[0];
  }
}
