// A SpiderIPPool as decisions need it: parsed, and refused as a whole where its spec is wrong.

import type { FieldIssue, SpiderIPPool } from '#api';
import { OrbError } from '#base';
import { issuesText, type PoolNetwork, type PoolSpec, readPoolNetwork } from './pool-network.ts';

/** A pool whose spec was found good. */
export interface Pool extends PoolNetwork {
  readonly name: string;
  /** Its deletion was asked for: it hands out nothing and waits for its last release. */
  readonly terminating: boolean;
  readonly disabled: boolean;
  readonly isDefault: boolean;
  /** Whom it serves. */
  readonly audience: PoolAudience;
}

/** The fields by which a pool says whom it serves; an absent one admits everybody. */
export type PoolAudience = Pick<
  PoolSpec,
  'podAffinity' | 'namespaceAffinity' | 'namespaceName' | 'nodeAffinity' | 'nodeName' | 'multusName'
>;

/** Parses the pool; one that is wrong anywhere is refused, because half-read it might hand out what it should not. */
export function parsePool(object: SpiderIPPool): Pool {
  const name = object.metadata.name ?? '';
  const issues: FieldIssue[] = [];
  const { spec } = object;
  const network = spec === undefined ? undefined : readPoolNetwork(spec, issues);
  if (spec === undefined || network === undefined || issues.length > 0) {
    const message = `IPPool ${name} cannot be used: ${spec === undefined ? 'it has no spec' : issuesText(issues)}`;
    throw new OrbError('IPPOOL_INVALID', { message, subject: `SpiderIPPool ${name}` });
  }
  return {
    ...network,
    name,
    terminating: object.metadata.deletionTimestamp !== undefined,
    disabled: spec.disable,
    isDefault: spec.default,
    audience: spec,
  };
}

/** Why the pool hands out no address at all now; undefined when it does. */
export function closedReason(pool: Pool): string | undefined {
  if (pool.terminating) return `terminating IPPool ${pool.name}`;
  if (pool.disabled) return `disabled IPPool ${pool.name}`;
  return undefined;
}
