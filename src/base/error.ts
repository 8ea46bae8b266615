// The one error class of the product. Every error says its stable code, what was
// being done, to what, the kernel's or server's own words, and what the user can do.

import { type ErrorCode, errorTable } from './error-table.ts';

/** The facts of a failure; each goes into the text and, as a field of its own, into the log. */
export interface ErrorFacts {
  /** What went wrong, naming field and value; upstream's own text where users or scripts rely on it. */
  readonly message: string;
  /** The object concerned: `SpiderIPPool v4-pool`, `route 10.0.0.0/8 dev veth0`, `annotation ipam.spidernet.io/ippools`. */
  readonly subject?: string;
  /** The words of the kernel (errno and ext-ack) or of a server, unchanged. */
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

/** Whether `error` is an {@link OrbError}, and of `code` where one is given. */
export function isOrbError(error: unknown, code?: ErrorCode): error is OrbError {
  return error instanceof OrbError && (code === undefined || error.code === code);
}

/** The text of whatever was thrown, with its causes; words of a cause that the message has already are not said twice. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause === undefined) return error.message;
  const cause = errorText(error.cause);
  return error.message.endsWith(cause) ? error.message : `${error.message}: ${cause}`;
}
