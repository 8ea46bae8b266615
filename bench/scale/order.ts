// What one load process of the scale benchmark is told, and what it answers.

/**
 * Who writes the pools. `leader`: the leading controller, for all agents. `agents`: each agent writes all its waiting
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
  /** What failed is asked again after a second, as kubelet does. */
  readonly repeats?: boolean;
}

/** A NIC of every pod, and the pools of its addresses. Each agent begins with another pool of a list. */
export interface LoadNic {
  readonly name: string;
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** The agents of one load process, and their requests. */
export interface Order {
  readonly kubeconfig: string;
  readonly writer: Writer;
  readonly nics: readonly LoadNic[];
  /** The names of the agents' nodes. The pods of node N are `N-0`, `N-1` and so on. */
  readonly nodes: readonly string[];
  readonly load: Load;
  /** When the requests that still run are given up, in milliseconds after the start. */
  readonly limitMs: number;
}

/** One pod got the addresses of one NIC. A load process prints each as a line. */
export interface Given {
  readonly pod: string;
  readonly podUid: string;
  readonly nic: string;
  readonly addresses: readonly string[];
  /** How long the pod waited, in milliseconds. */
  readonly tookMs: number;
  /** When it got them, in milliseconds since the start of its process' load. */
  readonly endMs: number;
}

/** What the agents of one process did. It is the last line. */
export interface LoadOutcome {
  readonly failures: number;
  /** The text of the first failure. */
  readonly firstFailure?: string;
  readonly conflicts: number;
  /** Operations that the leader did. */
  readonly led: number;
}
