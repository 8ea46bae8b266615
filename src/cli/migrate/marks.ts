// Marks in pools the addresses that the provider of an IaaS has bound for Spiderpool, while nobody else writes pools.

import { resources } from '#api';
import { againOnConflict, type KubeClient } from '#kube';
import { markedRecords } from '#plan/migration';

/** A user may change a pool meanwhile. */
const MOST_CONFLICTS = 10;

/** Resolves with the number of addresses that got a mark. */
export async function markBound(client: Pick<KubeClient, 'get' | 'list' | 'patch'>): Promise<number> {
  const endpoints = (await client.list(resources.spiderEndpoints)).items;
  let count = 0;
  for (const { metadata } of (await client.list(resources.spiderIPPools)).items) {
    const ref = { name: metadata.name ?? '' };
    count += await againOnConflict(MOST_CONFLICTS, async () => {
      const pool = await client.get(resources.spiderIPPools, ref);
      const { addresses, allocatedIPs } = markedRecords(pool, endpoints);
      if (addresses.length === 0) return 0;
      const { resourceVersion } = pool.metadata;
      const body = { metadata: { resourceVersion }, status: { allocatedIPs } };
      await client.patch(resources.spiderIPPools, ref, { type: 'merge', body, subresource: 'status' });
      return addresses.length;
    });
  }
  return count;
}
