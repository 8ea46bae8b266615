// The token by which this agent proves to the leading controller who it is. It is for nobody else.

import type { Clock } from '#base';
import type { AccountToken, KubeClient, ObjectRef } from '#kube';
import { COMMIT_AUDIENCE } from '#pools';

const LIFETIME_SECONDS = 3600;
/** A token is renewed when less than this is left. */
const MARGIN_MS = 600_000;

export class LeaderToken {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #account: ObjectRef & { readonly namespace: string };
  #asked: Promise<AccountToken> | undefined;

  /** `account`: the ServiceAccount of the agents. */
  constructor(client: KubeClient, clock: Clock, account: ObjectRef & { readonly namespace: string }) {
    this.#client = client;
    this.#clock = clock;
    this.#account = account;
  }

  /** A valid token. Rejects if the API server gives none. */
  async get(): Promise<string> {
    this.#asked ??= this.#request();
    const asked = this.#asked;
    const { token, expiresAtMs } = await asked;
    if (expiresAtMs - this.#clock.now() > MARGIN_MS) return token;
    // Requests that come together share one new token.
    if (this.#asked === asked) this.#asked = this.#request();
    return (await this.#asked).token;
  }

  #request(): Promise<AccountToken> {
    const asked = { audiences: [COMMIT_AUDIENCE], expirationSeconds: LIFETIME_SECONDS };
    const answer = this.#client.requestToken(this.#account, asked);
    answer.catch(() => {
      if (this.#asked === answer) this.#asked = undefined;
    });
    return answer;
  }
}
