// The token by which an agent proves to the leading controller who it is, and on which node. It is for nobody else.

import { type Clock, isOrbError } from '#base';
import type { AccountToken, KubeClient, ObjectRef } from '#kube';
import { COMMIT_AUDIENCE } from './leader-link.ts';

const LIFETIME_SECONDS = 3600;
/** A token is renewed when less than this is left. */
const MARGIN_MS = 600_000;

export interface LeaderTokenOptions {
  readonly client: Pick<KubeClient, 'requestToken'>;
  readonly clock: Clock;
  /** The ServiceAccount of the agents. */
  readonly account: ObjectRef & { readonly namespace: string };
  /** The node that the token names. The leader asks its holder about this node alone. Undefined for none. */
  readonly node?: string;
}

export class LeaderToken {
  readonly #options: LeaderTokenOptions;
  #asked: Promise<AccountToken> | undefined;

  constructor(options: LeaderTokenOptions) {
    this.#options = options;
  }

  /** A valid token. Rejects if the API server gives none. */
  async get(): Promise<string> {
    this.#asked ??= this.#request();
    const asked = this.#asked;
    const { token, expiresAtMs } = await asked;
    if (expiresAtMs - this.#options.clock.now() > MARGIN_MS) return token;
    // Requests that come together share one new token.
    if (this.#asked === asked) this.#asked = this.#request();
    return (await this.#asked).token;
  }

  #request(): Promise<AccountToken> {
    const answer = this.#ask();
    answer.catch(() => {
      if (this.#asked === answer) this.#asked = undefined;
    });
    return answer;
  }

  /** Kubernetes before 1.31 binds no token to a Node. Then the leader cannot know whose it is, and does not ask. */
  async #ask(): Promise<AccountToken> {
    const { client, account, node: name } = this.#options;
    const spec = { audiences: [COMMIT_AUDIENCE], expirationSeconds: LIFETIME_SECONDS };
    if (name === undefined) return client.requestToken(account, spec);
    const boundObjectRef = { apiVersion: 'v1', kind: 'Node', name } as const;
    try {
      return await client.requestToken(account, { ...spec, boundObjectRef });
    } catch (error) {
      if (!isOrbError(error, 'KUBE_INVALID')) throw error;
      return client.requestToken(account, spec);
    }
  }
}
