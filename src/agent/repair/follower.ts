// Keeps the watch in step with the attachments: a sandbox is followed from its ADD to its DEL.

import { type Clock, errorText, type Logger } from '#base';
import { isGone } from '#cni';
import type { DriftWatch } from './drift-watch.ts';
import type { PodRepair } from './pod-repair.ts';

/** After the last plugin of the chain, most likely: what it broke is found by the first comparison. */
const SETTLE_MS = 1_000;

export interface FollowerParts {
  readonly watch: Pick<DriftWatch, 'follow' | 'forget'>;
  readonly pods: Pick<PodRepair, 'recordsOf'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** A sandbox is followed from now on. */
  readonly begun: (containerId: string) => void;
}

export class Follower {
  readonly #parts: FollowerParts;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<string>();
  /** Containers by what of them is followed. */
  readonly #followed = new Map<string, string>();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  /** Something was recorded or removed for the container. */
  changed(containerId: string): void {
    if (this.#waiting.has(containerId)) return;
    this.#waiting.add(containerId);
    const { clock } = this.#parts;
    clock.sleep(SETTLE_MS, this.#stop.signal).then(
      () => {
        this.#waiting.delete(containerId);
        if (this.follow(containerId)) this.#parts.begun(containerId);
      },
      () => {},
    );
  }

  /** Follows what is recorded now; whether that is new. */
  follow(containerId: string): boolean {
    const { watch, pods, log } = this.#parts;
    const records = pods.recordsOf(containerId);
    const netns = records[0]?.netns;
    if (netns === undefined) {
      this.#followed.delete(containerId);
      watch.forget(containerId);
      return false;
    }
    const hostLinks = [...new Set(records.map(({ coordinator }) => coordinator.plan.hostLink))];
    const what = [netns.path, ...hostLinks].join(' ');
    if (this.#followed.get(containerId) === what) return false;
    try {
      if (!watch.follow(containerId, netns, hostLinks)) return false;
      this.#followed.set(containerId, what);
      return true;
    } catch (error) {
      const words = { containerId, error: errorText(error) };
      if (isGone(error)) log.debug(words, 'sandbox is gone: its DEL or GC will come');
      else log.warn(words, 'sandbox is not followed: what breaks in it is seen at the next round');
      return false;
    }
  }

  stop(): void {
    this.#stop.abort(new Error('the agent stops'));
  }
}
