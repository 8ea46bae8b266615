// The sources of the cluster's networks, each followed only while it is needed.

import type { ClusterFacts, Source, SourceName } from '#plan/discovery';
import { type FollowerOptions, SourceFollower } from './source-follower.ts';

export class Sources {
  readonly #options: Omit<FollowerOptions, 'changed'>;
  readonly #sources: Readonly<Record<SourceName, Source>>;
  readonly #followers = new Map<SourceName, SourceFollower>();
  /** Called after each change of what was read. */
  onChange: () => void = () => {};

  constructor(options: Omit<FollowerOptions, 'changed'>, sources: Readonly<Record<SourceName, Source>>) {
    this.#options = options;
    this.#sources = sources;
  }

  /** What is known now. */
  facts(): ClusterFacts {
    return Object.fromEntries(Array.from(this.#followers, ([name, { reading }]) => [name, reading]));
  }

  /** Begins to follow the sources that are missing, and forgets all others. */
  follow(names: ReadonlySet<SourceName>): void {
    for (const [name, follower] of this.#followers) {
      if (names.has(name)) continue;
      this.#followers.delete(name);
      void follower.stop();
    }
    for (const name of names) {
      if (this.#followers.has(name)) continue;
      const changed = () => this.onChange();
      this.#followers.set(name, new SourceFollower({ ...this.#options, changed }, this.#sources[name]));
    }
  }

  stop(): void {
    this.onChange = () => {};
    this.follow(new Set());
  }
}
