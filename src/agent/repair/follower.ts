// Keeps the watch in step with the attachments: it follows a sandbox from its ADD to its DEL.

import { type Clock, errorText, type Logger } from '#base';
import { isGone, isRecorded, type RecordedNetns } from '#cni';
import type { NetnsHandle } from '#kernel';
import type { DriftWatch } from './drift-watch.ts';
import { hostLinksOf, type PodRepair } from './pod-repair.ts';

/**
 * The wait after a record has changed. The last plugin of the chain has usually ended by then, so the first comparison
 * finds what that plugin broke.
 */
const SETTLE_MS = 1_000;

export interface FollowerParts {
  readonly watch: Pick<DriftWatch, 'follow' | 'forget'>;
  readonly pods: Pick<PodRepair, 'recordsOf'>;
  readonly openNetns: (path: string) => Promise<Pick<NetnsHandle, 'fd' | 'id' | 'close'>>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when a sandbox is followed. */
  readonly begun: (containerId: string) => void;
}

/** Where a sandbox is, and its links on the node. */
interface Wanted {
  readonly netns: NonNullable<RecordedNetns>;
  readonly hostLinks: readonly string[];
  /** Both fields as one text, for comparison. */
  readonly what: string;
}

export class Follower {
  readonly #parts: FollowerParts;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<string>();
  /** What is followed, by container. */
  readonly #followed = new Map<string, string>();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  /** Call this when a record of the container was written or removed. */
  changed(containerId: string): void {
    if (this.#waiting.has(containerId)) return;
    this.#waiting.add(containerId);
    const { clock } = this.#parts;
    clock.sleep(SETTLE_MS, this.#stop.signal).then(
      () => {
        this.#waiting.delete(containerId);
        void this.follow(containerId);
      },
      () => {},
    );
  }

  /** Follows what is recorded now. Never rejects. */
  async follow(containerId: string): Promise<void> {
    const wanted = this.#wanted(containerId);
    if (wanted === undefined) {
      this.#followed.delete(containerId);
      this.#parts.watch.forget(containerId);
      return;
    }
    if (this.#followed.get(containerId) === wanted.what) return;
    try {
      await this.#begin(containerId, wanted);
    } catch (error) {
      const { log } = this.#parts;
      const words = { containerId, error: errorText(error) };
      if (isGone(error)) log.debug(words, 'the sandbox is gone; its DEL or GC will follow');
      else log.warn(words, 'the sandbox cannot be followed; the next periodic comparison finds its damage');
    }
  }

  async #begin(containerId: string, { netns, hostLinks, what }: Wanted): Promise<void> {
    const { watch, openNetns, begun } = this.#parts;
    const there = await openNetns(netns.path);
    try {
      // If the path leads to another namespace now, its events would be those of another pod.
      if (!isRecorded(there, netns)) return;
      // If the records have changed meanwhile, `changed` was called too, and follows the new ones.
      if (this.#wanted(containerId)?.what !== what || this.#stop.signal.aborted) return;
      watch.follow(containerId, there, hostLinks);
    } finally {
      there.close();
    }
    this.#followed.set(containerId, what);
    begun(containerId);
  }

  #wanted(containerId: string): Wanted | undefined {
    const records = this.#parts.pods.recordsOf(containerId);
    const netns = records[0]?.netns;
    if (netns === undefined) return undefined;
    const hostLinks = [...new Set(records.flatMap(hostLinksOf))];
    return { netns, hostLinks, what: [netns.path, ...hostLinks].join(' ') };
  }

  stop(): void {
    this.#stop.abort(new Error('the agent is stopping'));
  }
}
