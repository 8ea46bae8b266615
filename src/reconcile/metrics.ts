// What the kit counts. A program implements this port with the names of its metrics; queue depths and the figures of
// informers are read from `Controllers.queues()` and `Informers.statistics()`.

import type { Retry } from './retry.ts';

/** How the work on a key ended. */
export type WorkResult = 'done' | Retry;

export interface ReconcileMetrics {
  /** A key was worked on for `seconds`. Every result but `done` and `on-change` is followed by another try. */
  worked(controller: string, result: WorkResult, seconds: number): void;
  /** The program became leader, or leads no more. `lease` is `namespace/name`. */
  leads(lease: string, leads: boolean): void;
}

/** Counts nothing. */
export const silentReconcileMetrics: ReconcileMetrics = {
  worked: () => {},
  leads: () => {},
};
