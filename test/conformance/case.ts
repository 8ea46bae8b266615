// One numbered case of the suite, and its outcome.

import type { Node } from './node.ts';

/**
 * A case returns when the plugin passes, and throws a Failure when it does not.
 * It returns the reason when it does not apply.
 */
export interface Case {
  readonly number: number;
  readonly title: string;
  readonly run: (node: Node) => Promise<NotApplicable | undefined>;
}

/** The reason why a case does not apply to this plugin. */
export interface NotApplicable {
  readonly notApplicable: string;
}

/** The limit for "at once" on a busy machine. It is far below the 30 seconds for which a patient plugin would block the runtime. */
export const AT_ONCE_MS = 8000;

export const notApplicable = (reason: string): NotApplicable => ({ notApplicable: reason });

/** The outcome of a case. */
export interface Outcome {
  readonly number: number;
  readonly title: string;
  readonly verdict: 'ok' | 'FAIL' | 'n/a';
  readonly reason: string;
}
