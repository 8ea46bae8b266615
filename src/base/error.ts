// The only error class of the product. Every error contains its stable code, what was being done, to what, the kernel's
// or server's own words, and what the user can do.

import { type ErrorCode, errorTable } from './error-table.ts';

/** The facts of a failure. Each is part of the text, and a field of its own in the log. */
export interface ErrorFacts {
  /** What went wrong, with field and value. Upstream's own text if users or scripts rely on it. */
  readonly message: string;
  /**
   * The object of the failure: `SpiderIPPool v4-pool`, `route 10.0.0.0/8 dev veth0`, `annotation
   * ipam.spidernet.io/ippools`.
   */
  readonly subject?: string;
  /** The unchanged words of the kernel (errno and ext-ack) or of a server. */
  readonly said?: string;
  readonly cause?: unknown;
}

/** A failure with a stable code of {@link errorTable}. */
export class OrbError extends Error {
  readonly code: ErrorCode;
  readonly subject: string | undefined;
  readonly said: string | undefined;

  constructor(code: ErrorCode, facts: ErrorFacts) {
    const said = facts.said === undefined ? '' : `: ${facts.said}`;
    super(facts.message + said, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'OrbError';
    this.code = code;
    this.subject = facts.subject;
    this.said = facts.said;
  }

  /** What the user can do about it. */
  get advice(): string {
    return errorTable[this.code].advice;
  }
}

/** Whether `error` is an {@link OrbError}. If `code` is given, the error must have this code. */
export function isOrbError(error: unknown, code?: ErrorCode): error is OrbError {
  return error instanceof OrbError && (code === undefined || error.code === code);
}

/**
 * The text of any thrown value, with its causes. Words of a cause that the message already contains are not repeated.
 */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause === undefined) return error.message;
  const cause = errorText(error.cause);
  return error.message.endsWith(cause) ? error.message : `${error.message}: ${cause}`;
}
