// Since when pods are known to be gone, and where they ran.

import type { Pod } from '#api';
import type { Absence } from '#reclaim';

/** Spiderpool's controller remembers as many. The oldest is forgotten: its grace begins again. */
const MOST_ABSENCES = 100_000;

interface Noted extends Absence {
  /** Whether the watch has shown the pod before it went. */
  readonly isSeen: boolean;
}

export class Absences {
  readonly #byUid = new Map<string, Noted>();

  /** The watch has shown that the pod is gone. Only the first such call for a pod counts. */
  note({ metadata: { uid = '' }, spec }: Pod, nowMs: number): void {
    if (this.#byUid.get(uid)?.isSeen === true) return;
    this.#keep(uid, { sinceMs: nowMs, node: spec?.nodeName, isSeen: true });
  }

  /** A pod that nobody has seen is gone since this call. The watch of pods may only have been late: see `note`. */
  of(uid: string, nowMs: number): Absence {
    return this.#byUid.get(uid) ?? this.#keep(uid, { sinceMs: nowMs, isSeen: false });
  }

  #keep(uid: string, absence: Noted): Absence {
    const [oldest] = this.#byUid.keys();
    if (this.#byUid.size === MOST_ABSENCES && oldest !== undefined) this.#byUid.delete(oldest);
    this.#byUid.set(uid, absence);
    return absence;
  }
}
