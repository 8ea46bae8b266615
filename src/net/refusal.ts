// What the kernel said no to, as an error: how it is written, and how its errno is read back.

import { isOrbError, OrbError } from '#base';

/** The facts of a refusal. */
export interface Refusal {
  /** What was being done, as in `cannot <doing>`: `create route 10.0.0.0/8 dev veth0`. */
  readonly doing: string;
  /** The object concerned, as iproute2 would print it. */
  readonly subject: string;
  /** The errno's name: `EEXIST`. */
  readonly errno: string;
  /** The errno's words: `File exists`. */
  readonly words: string;
  /** The kernel's own sentence (NLMSGERR_ATTR_MSG), where it sent one. */
  readonly extAck?: string | undefined;
}

/** KERNEL_REFUSED, with `EEXIST: File exists (ext-ack words)` in `said`. */
export function refusal({ doing, subject, errno, words, extAck }: Refusal): OrbError {
  const said = `${errno}: ${words}${extAck === undefined ? '' : ` (${extAck})`}`;
  return new OrbError('KERNEL_REFUSED', { message: `cannot ${doing}`, subject, said });
}

/** The errno's name of a refusal of the kernel: `EEXIST`; undefined for every other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!isOrbError(error, 'KERNEL_REFUSED')) return undefined;
  return /^(E[A-Z0-9]+): /.exec(error.said ?? '')?.[1];
}
