// A SpiderIPPool, parsed for decisions. A pool with an invalid spec is refused as a whole.

import { type FieldIssue, type SpiderIPPool, unreadableNote } from '#api';
import { OrbError } from '#base';
import { overlapNote } from './overlap.ts';
import { issuesText, type PoolNetwork, type PoolSpec, readPoolNetwork } from './pool-network.ts';
import { type Provision, provisionOf } from './provision.ts';

/** A pool with a valid spec. */
export interface Pool extends PoolNetwork {
  readonly name: string;
  /** The pool is being deleted. It gives out no address and waits for its last release. */
  readonly terminating: boolean;
  readonly disabled: boolean;
  /** The addresses that another pool has too. Then the pool gives out no address. */
  readonly overlap: string | undefined;
  readonly isDefault: boolean;
  /** Undefined: it gives out all of its addresses. */
  readonly provision: Provision | undefined;
  /** Which pods it serves. */
  readonly audience: PoolAudience;
}

/** The fields that select the pods a pool serves. An absent field admits all pods. */
export type PoolAudience = Pick<
  PoolSpec,
  'podAffinity' | 'namespaceAffinity' | 'namespaceName' | 'nodeAffinity' | 'nodeName' | 'multusName'
>;

/**
 * Parses the pool. A pool with any invalid field is refused, because it could give out addresses by mistake. `previous`
 * is what was read of it before.
 */
export function parsePool(object: SpiderIPPool, previous?: Pool): Pool {
  const name = object.metadata.name ?? '';
  const issues: FieldIssue[] = [];
  const { spec } = object;
  const unreadable = unreadableNote(object);
  const network = spec === undefined ? undefined : readPoolNetwork(spec, issues);
  if (spec === undefined || network === undefined || issues.length > 0) {
    const message = `IPPool ${name} cannot be used: ${unreadable ?? (spec === undefined ? 'it has no spec' : issuesText(issues))}`;
    throw new OrbError('IPPOOL_INVALID', { message, subject: `SpiderIPPool ${name}` });
  }
  return {
    ...network,
    name,
    terminating: object.metadata.deletionTimestamp !== undefined,
    disabled: spec.disable,
    overlap: overlapNote(object),
    isDefault: spec.default,
    provision: provisionOf(object, network.family, previous?.provision),
    audience: spec,
  };
}

/** Why the pool gives out no address at all now. Undefined if it does. */
export function closedReason(pool: Pool): string | undefined {
  if (pool.terminating) return `terminating IPPool ${pool.name}`;
  if (pool.disabled) return `disabled IPPool ${pool.name}`;
  if (pool.overlap !== undefined) return `IPPool ${pool.name} is left out: ${pool.overlap}`;
  return undefined;
}
