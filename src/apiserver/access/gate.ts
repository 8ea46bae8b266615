// The gate: who a request's bearer token belongs to. Tokens are compared in constant time.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '#base';
import { StatusError } from '../status.ts';
import { type KnownToken, ServiceAccountTokens } from './service-account-tokens.ts';
import { administrator, type User } from './user.ts';

export class Gate {
  readonly #digest: Buffer;
  readonly #tokens: ServiceAccountTokens;
  readonly #clock: Clock;

  constructor(adminToken: string, tokens: ServiceAccountTokens, clock: Clock) {
    this.#digest = digest(adminToken);
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** Who sends the request; 401 for nobody known. */
  admit(request: IncomingMessage): User {
    const found = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '');
    const known = found === null ? undefined : this.identify(found[1] ?? '');
    if (known === undefined || !(known.user === administrator || ServiceAccountTokens.isForServer(known)))
      throw new StatusError(401, 'Unauthorized', 'Unauthorized');
    refuseImpersonation(request);
    return known.user;
  }

  /** Whose token it is. */
  identify(token: string): KnownToken | undefined {
    // Digests are of one length, so that the comparison tells nothing about the token's.
    if (timingSafeEqual(digest(token), this.#digest)) return { user: administrator, audiences: [] };
    return this.#tokens.verify(token, this.#clock.now());
  }
}

/** Served as if nobody had asked for it, it would show what another user may not see. */
function refuseImpersonation({ headers }: IncomingMessage): void {
  if (!Object.keys(headers).some((name) => name.startsWith('impersonate-'))) return;
  const message =
    'impersonation (kubectl --as) is not served by this server, which lets every user that it knows do everything: leave it out';
  throw new StatusError(501, 'NotImplemented', message);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
