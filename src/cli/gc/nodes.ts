// Asks agents through the leading controller, as the controller itself does.

import { type Clock, errorText, silentLogger } from '#base';
import type { KubeClient } from '#kube';
import { CONTROLLER_LEASE } from '#plan/installation';
import { LeaderLink, LeaderToken, type SandboxAnswer } from '#pools';

/** The ServiceAccount of the agents. The leader accepts its tokens. The token of this program names no node. */
const AGENT_ACCOUNT = 'orbweaver-agent';

export class NodesByLeader {
  readonly #link: LeaderLink;
  #problem: string | undefined;

  /** `namespace`: where the controller and the agents run. */
  constructor(client: KubeClient, clock: Clock, namespace: string) {
    const token = new LeaderToken({ client, clock, account: { namespace, name: AGENT_ACCOUNT } });
    const lease = { namespace, name: CONTROLLER_LEASE };
    this.#link = new LeaderLink({ client, clock, log: silentLogger, lease, token: () => token.get() });
  }

  /** Why no node was asked any more. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** What the node's agent says; all agents together without a node. After the first failure nobody is asked. */
  async ask(node: string | undefined, podUid: string): Promise<SandboxAnswer> {
    if (this.#problem !== undefined) return 'unknown';
    try {
      return await this.#link.sandbox(
        { podUid, ...(node !== undefined && { node }) },
        new AbortController().signal,
      );
    } catch (error) {
      this.#problem = errorText(error);
      return 'unknown';
    }
  }

  close(): void {
    this.#link.close();
  }
}
