// Since when pods are known to be gone, and where they ran.

import type { Pod } from '#api';
import type { Absence } from '#reclaim';

/** Spiderpool's controller remembers as many. The oldest is forgotten: its grace begins again. */
const MOST_ABSENCES = 100_000;

export class Absences {
  readonly #byUid = new Map<string, Absence>();

  /** The pod is gone. Only the first call for a pod counts. */
  note({ metadata: { uid = '' }, spec }: Pod, nowMs: number): void {
    if (this.#byUid.has(uid)) return;
    const [oldest] = this.#byUid.keys();
    if (this.#byUid.size === MOST_ABSENCES && oldest !== undefined) this.#byUid.delete(oldest);
    this.#byUid.set(uid, { sinceMs: nowMs, node: spec?.nodeName });
  }

  /** A pod that nobody has seen is gone since this call. */
  of(uid: string, nowMs: number): Absence {
    this.note({ metadata: { uid } }, nowMs);
    return this.#byUid.get(uid) ?? { sinceMs: nowMs };
  }
}
