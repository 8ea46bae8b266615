// Errors for requests that the kernel refuses. Builds them, and reads their errno.

import { isOrbError, OrbError } from '#base';

/** The facts of a refusal. */
export interface Refusal {
  /** The action, as in `cannot <doing>`: `create route 10.0.0.0/8 dev veth0`. */
  readonly doing: string;
  /** The object, as iproute2 prints it. */
  readonly subject: string;
  /** The name of the errno: `EEXIST`. */
  readonly errno: string;
  /** The text of the errno: `File exists`. */
  readonly words: string;
  /** The kernel's own sentence (NLMSGERR_ATTR_MSG), if it sent one. */
  readonly extAck?: string | undefined;
}

/** KERNEL_REFUSED, with `EEXIST: File exists (ext-ack words)` in `said`. */
export function refusal({ doing, subject, errno, words, extAck }: Refusal): OrbError {
  const said = `${errno}: ${words}${extAck === undefined ? '' : ` (${extAck})`}`;
  return new OrbError('KERNEL_REFUSED', { message: `cannot ${doing}`, subject, said });
}

/** The errno's name in a KERNEL_REFUSED error: `EEXIST`. Undefined for every other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!isOrbError(error, 'KERNEL_REFUSED')) return undefined;
  return /^(E[A-Z0-9]+): /.exec(error.said ?? '')?.[1];
}
