// The gate: a bearer token, compared in constant time.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export class Gate {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digest(token);
  }

  /** Whether the request carries the token. */
  admits(request: IncomingMessage): boolean {
    const found = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '');
    // Digests are of one length, so that the comparison tells nothing about the token's.
    return found !== null && timingSafeEqual(digest(found[1] ?? ''), this.#digest);
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
