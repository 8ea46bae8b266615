// What one load process of the scale benchmark is told, and what it answers.

/**
 * Who writes the pool. `leader`: the leading controller, for all agents. `agents`: each agent writes all its waiting
 * requests together. `upstream`: each agent writes each request, and gives up after five conflicts.
 */
export type Writer = 'leader' | 'agents' | 'upstream';

/** The name of the agents' ServiceAccount. */
export const AGENT_ACCOUNT = 'orbweaver-agent';

/** The requests of each agent. */
export interface Load {
  readonly podsPerAgent: number;
  /** How many requests an agent has at one time. A kubelet that starts pods has few. */
  readonly parallel: number;
  /** Every second pod is released and gets an address again. */
  readonly releases: boolean;
}

/** The agents of one load process, and their requests. */
export interface Order {
  readonly kubeconfig: string;
  readonly writer: Writer;
  readonly pool: string;
  /** The names of the agents' nodes. The pods of node N are `N-0`, `N-1` and so on. */
  readonly nodes: readonly string[];
  readonly load: Load;
  /** When the requests that still run are given up, in milliseconds after the start. */
  readonly limitMs: number;
}

/** What the agents of one process did. */
export interface LoadOutcome {
  /** The time of each allocation that succeeded, in milliseconds, in the order of their ends. */
  readonly latenciesMs: readonly number[];
  /** When each of them ended, in milliseconds since the start. */
  readonly endsMs: readonly number[];
  readonly failures: number;
  /** The text of the first failure. */
  readonly firstFailure?: string;
  readonly conflicts: number;
  /** Operations that the leader did. */
  readonly led: number;
}
