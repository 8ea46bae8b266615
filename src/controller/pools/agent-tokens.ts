// Who calls: the API server says whether a token is one of our agents', and of which node.

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

/** The claim of a token that is bound to a Node, or to a pod there (Kubernetes KEP-4193). */
const NODE_NAME = 'authentication.kubernetes.io/node-name';

/** The holder of a token of the agents' ServiceAccount. */
export interface AgentIdentity {
  /** Undefined if the token is bound to no node: its holder is not believed about any. */
  readonly node: string | undefined;
}

/** How long an answer of the API server is used again. */
const KNOWN_MS = 60_000;
/** The most answers that are kept. Beyond that, the oldest is forgotten. */
const MOST_KNOWN = 10_000;

/** Anyone can call, with any token. The API server is asked about so many at one time, and the others wait. */
const MOST_ASKED = 50;

export class AgentTokens {
  readonly #options: AgentTokensOptions;
  #asked = 0;
  readonly #turns: (() => void)[] = [];
  /** By the digest of the token. */
  readonly #known = new Map<
    string,
    { readonly agent: Promise<AgentIdentity | undefined>; readonly askedMs: number }
  >();

  constructor(options: AgentTokensOptions) {
    this.#options = options;
  }

  /** Which agent of ours has this token; undefined if none has. Rejects if the API server does not answer. */
  agentOf(token: string, signal: AbortSignal): Promise<AgentIdentity | undefined> {
    const { clock } = this.#options;
    const digest = createHash('sha256').update(token).digest('base64');
    const known = this.#known.get(digest);
    if (known !== undefined && clock.monotonic() - known.askedMs < KNOWN_MS)
      return abortable(known.agent, signal);
    const agent = this.#ask(token);
    this.#known.delete(digest);
    this.#known.set(digest, { agent, askedMs: clock.monotonic() });
    agent.catch(() => this.#known.delete(digest));
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.keys().next().value ?? '');
    return abortable(agent, signal);
  }

  async #ask(token: string): Promise<AgentIdentity | undefined> {
    if (this.#asked < MOST_ASKED) this.#asked += 1;
    else await new Promise<void>((resolve) => this.#turns.push(resolve));
    try {
      return await this.#review(token);
    } finally {
      const next = this.#turns.shift();
      if (next === undefined) this.#asked -= 1;
      else next();
    }
  }

  async #review(token: string): Promise<AgentIdentity | undefined> {
    const { client, agentUser } = this.#options;
    const spec = { token, audiences: [COMMIT_AUDIENCE] };
    const { status } = await client.create(tokenReviews, { metadata: {}, spec });
    const isForUs = status?.audiences?.includes(COMMIT_AUDIENCE) === true;
    if (status?.authenticated !== true || !isForUs || status.user?.username !== agentUser) return undefined;
    return { node: status.user.extra?.[NODE_NAME]?.[0] };
  }
}
