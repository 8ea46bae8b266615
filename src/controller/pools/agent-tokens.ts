// Who calls: the API server says whether a token is one of our agents'.

import { createHash } from 'node:crypto';
import { tokenReviews } from '#api';
import { abortable, type Clock } from '#base';
import type { KubeClient } from '#kube';
import { COMMIT_AUDIENCE } from '#pools';

export interface AgentTokensOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** `system:serviceaccount:NAMESPACE:NAME` of the agents. */
  readonly agentUser: string;
}

/** How long an answer of the API server is used again. */
const KNOWN_MS = 60_000;
/** The most answers that are kept. Beyond that, the oldest is forgotten. */
const MOST_KNOWN = 10_000;

export class AgentTokens {
  readonly #options: AgentTokensOptions;
  /** By the digest of the token. */
  readonly #known = new Map<string, { readonly isAgent: Promise<boolean>; readonly askedMs: number }>();

  constructor(options: AgentTokensOptions) {
    this.#options = options;
  }

  /** Whether an agent of ours has this token. Rejects if the API server does not answer. */
  isAgent(token: string, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const digest = createHash('sha256').update(token).digest('base64');
    const known = this.#known.get(digest);
    if (known !== undefined && clock.monotonic() - known.askedMs < KNOWN_MS)
      return abortable(known.isAgent, signal);
    const isAgent = this.#ask(token);
    this.#known.delete(digest);
    this.#known.set(digest, { isAgent, askedMs: clock.monotonic() });
    isAgent.catch(() => this.#known.delete(digest));
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.keys().next().value ?? '');
    return abortable(isAgent, signal);
  }

  async #ask(token: string): Promise<boolean> {
    const { client, agentUser } = this.#options;
    const spec = { token, audiences: [COMMIT_AUDIENCE] };
    const { status } = await client.create(tokenReviews, { metadata: {}, spec });
    const isForUs = status?.audiences?.includes(COMMIT_AUDIENCE) === true;
    return status?.authenticated === true && isForUs && status.user?.username === agentUser;
  }
}
