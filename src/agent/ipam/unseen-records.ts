// Fixed addresses that an earlier pod left, and that the watch does not show. The watch may be broken or late. So pools are
// read from the server, before a pod that seems to have no address gets a new one.

import { resources, type SpiderEndpoint } from '#api';
import { isOrbError } from '#base';
import type { NewestPools } from '#carving';
import type { Family } from '#ip';
import type { KubeClient } from '#kube';
import type { NicCandidates, PodHolder } from '#plan/ipam';
import { refOfPod } from '#reclaim';

export interface UnseenRecordsOptions {
  readonly client: KubeClient;
  /** Where the pools that were read are shown. */
  readonly pools: NewestPools;
}

/** Whether an address for the NIC is known: its own, or one that an earlier pod left. */
export type IsKnown = (nic: string, family: Family) => boolean;

/**
 * Reads the pools that may have a record of the holder for a NIC without a known address. Resolves with whether one was
 * read. A StatefulSet's pod takes over only what a pool has that its annotations name. A virtual machine keeps the address of any pool; its
 * SpiderEndpoint names that pool.
 */
export async function readUnseen(
  { client, pools }: UnseenRecordsOptions,
  holder: PodHolder,
  candidates: readonly NicCandidates[],
  isKnown: IsKnown,
  signal: AbortSignal,
): Promise<boolean> {
  const unknown = candidates.flatMap(({ nic, families }) =>
    families.filter(({ family }) => !isKnown(nic, family)),
  );
  if (unknown.length === 0) return false;
  // A pool that was left out, for example as disabled, may be one that the watch shows too old.
  const names = new Set(unknown.flatMap(({ named, pools }) => named ?? pools));
  if (holder.fixedTo === 'VirtualMachineInstance') {
    for (const name of await shownPools(client, holder.name, signal)) names.add(name);
  }
  await Promise.all(
    Array.from(names, async (name) => {
      const pool = await found(() => client.get(resources.spiderIPPools, { name }, { signal }));
      if (pool !== undefined) pools.show(pool);
    }),
  );
  return names.size > 0;
}

async function shownPools(client: KubeClient, holder: string, signal: AbortSignal): Promise<string[]> {
  const endpoint: SpiderEndpoint | undefined = await found(() =>
    client.get(resources.spiderEndpoints, refOfPod(holder), { signal }),
  );
  const ips = endpoint?.status?.current?.ips ?? [];
  return ips.flatMap(({ ipv4Pool, ipv6Pool }) => [ipv4Pool ?? [], ipv6Pool ?? []].flat());
}

async function found<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (isOrbError(error, 'KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}
