// One numbered case of the suite, and how it ends.

import type { Node } from './node.ts';

/** A case: returns when the plugin passed, throws a Failure when it did not, or returns why it does not apply. */
export interface Case {
  readonly number: number;
  readonly title: string;
  readonly run: (node: Node) => Promise<NotApplicable | undefined>;
}

/** Why a case says nothing about this plugin. */
export interface NotApplicable {
  readonly notApplicable: string;
}

/** What is "at once" on a busy machine: far from the half minute that a runtime would be kept waiting by a patient plugin. */
export const AT_ONCE_MS = 8000;

export const notApplicable = (reason: string): NotApplicable => ({ notApplicable: reason });

/** How a case ended. */
export interface Outcome {
  readonly number: number;
  readonly title: string;
  readonly verdict: 'ok' | 'FAIL' | 'n/a';
  readonly reason: string;
}
