// A pod's sandbox, as the runtime of its node and Multus know it.

import type { HeldAddress } from '#cni';
import type { NodeName } from './objects.ts';

/** In the order in which Multus attaches them. */
export type Nic = 'eth0' | 'net1';

export interface Sandbox {
  readonly name: string;
  readonly uid: string;
  readonly node: NodeName;
  /** In whose name its addresses are kept. Undefined if they are not fixed. */
  readonly fixedTo: string | undefined;
  readonly nics: readonly Nic[];
  /** What the agent has recorded for each NIC that is attached. A DEL names it. */
  readonly held: Map<Nic, readonly HeldAddress[]>;
  /** The addresses that each NIC uses now. */
  readonly living: Map<Nic, readonly string[]>;
  /** Whether the runtime owes a DEL. */
  owesDelete: boolean;
  /** A runtime asks one thing at a time for each pod. */
  isBusy: boolean;
  /** Whether its Pod object is there. */
  isThere: boolean;
}

/** The addresses that the sandbox uses now. */
export function livingOf({ living }: Sandbox): string[] {
  return [...living.values()].flat();
}

export function isLiving({ living }: Sandbox): boolean {
  return living.size > 0;
}
