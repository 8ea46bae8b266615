// The leader writes pools for all agents. This file listens for them, and tells them in the Lease where.

import type { Clock, Logger } from '#base';
import type { KubeClient } from '#kube';
import { LEADER_ADDRESS, LEADER_CA, type PoolMetrics } from '#pools';
import type { Informers } from '#reconcile';
import type { addressKinds } from '../kinds.ts';
import { AgentTokens } from './agent-tokens.ts';
import { CommitServer } from './commit-server.ts';
import { LedPools } from './led-pools.ts';
import type { NodeQuestions } from './node-questions.ts';

/** How agents reach the leader. */
export interface CommitOptions {
  /** The address or name by which agents reach this program. An IPv6 address has no brackets. */
  readonly host: string;
  /** The port that agents are told. 0 picks a free one. */
  readonly port: number;
  /** Descriptors that already listen on this port, e.g. in other network namespaces. Without them, it listens itself. */
  readonly fds: readonly number[];
  readonly certificate: { readonly key: string; readonly certificate: string };
  /** The name of the agents' ServiceAccount, in the namespace of the Lease. */
  readonly agentAccount: string;
}

/** What the leader needs besides. */
export interface CommitListenerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: PoolMetrics;
  readonly informers: Informers<typeof addressKinds>;
  /** Where agents wait for questions about their nodes. */
  readonly questions: NodeQuestions;
  /** The namespace of the Lease and of the agents. */
  readonly namespace: string;
}

/** How long a released address is kept back while its pool has others. This is the default of the agents too. */
const ADDRESS_REST_MS = 30_000;

export class CommitListener {
  /** Annotations of the Lease while this program leads. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly #informers: Informers<typeof addressKinds>;
  readonly #server: CommitServer;
  readonly #service: LedPools;

  private constructor(
    annotations: Readonly<Record<string, string>>,
    informers: Informers<typeof addressKinds>,
    server: CommitServer,
    service: LedPools,
  ) {
    this.annotations = annotations;
    this.#informers = informers;
    this.#server = server;
    this.#service = service;
  }

  /** Listens for agents, and refuses them until this program leads. */
  static async open(options: CommitListenerOptions, commits: CommitOptions): Promise<CommitListener> {
    const { client, clock, log, metrics, namespace, informers, questions } = options;
    const { host, port, fds, certificate, agentAccount } = commits;
    const agentUser = `system:serviceaccount:${namespace}:${agentAccount}`;
    const server = new CommitServer({
      log,
      certificate,
      questions,
      tokens: new AgentTokens({ client, clock, agentUser }),
    });
    for (const fd of fds) await server.listen({ fd });
    const announced = fds.length === 0 ? await server.listen({ port }) : port;
    const address = `${host.includes(':') ? `[${host}]` : host}:${announced}`;
    const service = new LedPools({
      ...{ client, clock, log, metrics, informers },
      addressRestMs: ADDRESS_REST_MS,
      agents: () => server.agents,
    });
    const annotations = { [LEADER_ADDRESS]: address, [LEADER_CA]: certificate.certificate };
    return new CommitListener(annotations, informers, server, service);
  }

  /** Serves agents from the time when the pools are known until the signal aborts. */
  async lead(signal: AbortSignal): Promise<void> {
    await this.#informers.ready;
    if (!signal.aborted) this.#server.serve((...args) => this.#service.commit(...args), signal);
  }

  stop(): void {
    this.#server.stop();
  }
}
