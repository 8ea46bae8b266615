// Finds the owner of a request's bearer token. It compares tokens in constant time.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '#base';
import { StatusError } from '../status.ts';
import { type KnownToken, ServiceAccountTokens } from './service-account-tokens.ts';
import { administrator, type User } from './user.ts';

export class Authenticator {
  readonly #digest: Buffer;
  readonly #tokens: ServiceAccountTokens;
  readonly #clock: Clock;

  constructor(adminToken: string, tokens: ServiceAccountTokens, clock: Clock) {
    this.#digest = digest(adminToken);
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** The sender of the request; throws 401 when the token is unknown. */
  admit(request: IncomingMessage): User {
    const found = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '');
    const known = found === null ? undefined : this.identify(found[1] ?? '');
    if (known === undefined || !(known.user === administrator || ServiceAccountTokens.isForServer(known)))
      throw new StatusError(401, 'Unauthorized', 'Unauthorized');
    refuseImpersonation(request);
    return known.user;
  }

  /** The owner of the token. */
  identify(token: string): KnownToken | undefined {
    // All digests have the same length, so the comparison reveals nothing about the token's length.
    if (timingSafeEqual(digest(token), this.#digest)) return { user: administrator, audiences: [] };
    return this.#tokens.verify(token, this.#clock.now());
  }
}

/** The server refuses impersonation. If it ignored the header, the answer could show what the other user may not see. */
function refuseImpersonation({ headers }: IncomingMessage): void {
  if (!Object.keys(headers).some((name) => name.startsWith('impersonate-'))) return;
  const message =
    'this server does not support impersonation (kubectl --as): remove the option. Every known user may do everything here';
  throw new StatusError(501, 'NotImplemented', message);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
