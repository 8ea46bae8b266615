// The writes of a plan. Each is conditional on what the plan saw, so that a late write fails and does no harm.

import type { SpiderIPPool } from '#api';
import { formatRange } from '#ip';
import { type PoolNetwork, readPoolNetwork } from '#plan/ipam';
import { countOf } from './subnet-ledger.ts';

/** One write of a pool. Statuses of subnets are written from their ledgers. */
export type PoolWrite =
  /** The name arbitrates: the second writer gets AlreadyExists, reads again and finds the pool. */
  | { readonly verb: 'create'; readonly pool: SpiderIPPool }
  /** With the `resourceVersion` of the pool. */
  | { readonly verb: 'update'; readonly pool: SpiderIPPool }
  /** With the `resourceVersion` of the pool. */
  | { readonly verb: 'updateStatus'; readonly pool: SpiderIPPool }
  /** With the UID and the `resourceVersion` of the pool as preconditions. */
  | { readonly verb: 'delete'; readonly pool: SpiderIPPool };

/**
 * The pool with the right numbers in its status. Undefined if they are right. `held`: how many addresses its records hold;
 * by default the status is right about it.
 */
export function withCounts(pool: SpiderIPPool, held?: number): SpiderIPPool | undefined {
  const network = networkOfPool(pool);
  if (network === undefined) return undefined;
  const totalIPCount = countOf(network.addresses);
  const { status } = pool;
  const allocatedIPCount = held ?? status?.allocatedIPCount ?? 0;
  if (status?.totalIPCount === totalIPCount && status.allocatedIPCount === allocatedIPCount) return undefined;
  return { ...pool, status: { ...status, totalIPCount, allocatedIPCount } };
}

/** The pool's addresses. Undefined if its spec has no readable network. */
export function networkOfPool({ spec }: SpiderIPPool): PoolNetwork | undefined {
  return spec === undefined ? undefined : readPoolNetwork(spec, []);
}

/** Ranges for a message. A message stays short. */
export function rangesText(network: PoolNetwork['addresses']): string {
  const texts = network.ranges.slice(0, 8).map(formatRange);
  return `[${texts.join(' ')}${network.ranges.length > 8 ? ' …' : ''}]`;
}
