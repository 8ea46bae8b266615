// The networks of Calico's pods: its IPPools.

import type { CalicoPool } from '#api';
import { type Answer, type Fault, fault, noNetworks, readNetworks, union } from './answer.ts';
import type { SourceReader } from './sources.ts';

/**
 * A pool that is switched off counts: pods keep the addresses that they have (spidernet-io/spiderpool#5738). A pool
 * that is being deleted does not. A pool for load balancers alone has no addresses of pods.
 */
export function calicoNetworks(reader: SourceReader): Answer {
  const pools = calicoPools(reader);
  if ('faults' in pools) return pools;
  if (pools.length === 0) return fault('NotFound', 'Calico has no IPPool');
  const used = pools.filter(
    ({ metadata, spec }) => metadata.deletionTimestamp === undefined && isForPods(spec),
  );
  if (used.length === 0) return noNetworks('Calico has no IPPool for pods');
  return { ...union(used.map(networksOf)), from: 'IPPools of Calico' };
}

function networksOf({ metadata, spec }: CalicoPool): Answer {
  const subject = `IPPool ${metadata.name} of Calico`;
  const cidr = spec?.cidr?.trim() ?? '';
  return cidr === '' ? fault('Malformed', `${subject} has no spec.cidr`) : readNetworks([cidr], subject);
}

function isForPods(spec: CalicoPool['spec']): boolean {
  const uses = spec?.allowedUses ?? [];
  return uses.length === 0 || uses.some((use) => use !== 'LoadBalancer');
}

/**
 * The pools as users see them, or else as Calico stores them. After a migration to Calico's v3 CRDs, the stored ones are
 * stale. That there are no pools is known only when both kinds say so, or are not served.
 */
function calicoPools(reader: SourceReader): readonly CalicoPool[] | Answer {
  const seen = reader.items('calicoPools');
  if (!('faults' in seen) && seen.length > 0) return seen;
  if ('faults' in seen && hasReason(seen, 'NotRead')) return seen;
  const stored = reader.items('calicoPoolStorage');
  if (!('faults' in stored) && stored.length > 0) return stored;
  const kinds = [seen, stored];
  const unread = kinds.filter((kind) => 'faults' in kind);
  const isKnown = unread.length < kinds.length && unread.every((kind) => hasReason(kind, 'NotServed'));
  return isKnown ? [] : union(unread);
}

function hasReason({ faults }: Answer, reason: Fault['reason']): boolean {
  return faults.some((fault) => fault.reason === reason);
}
