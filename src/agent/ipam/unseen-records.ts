// Fixed addresses that an earlier pod left, and that the watch does not show. The watch may be broken or late. So pools are
// read from the server, before a pod that seems to have no address gets a new one.

import { resources } from '#api';
import type { NewestPools } from '#carving';
import type { Family } from '#ip';
import { ifFound, type KubeClient } from '#kube';
import type { LeftAddress, NicCandidates, PodHolder } from '#plan/ipam';
import { refOfPod } from '#reclaim';

export interface UnseenRecordsOptions {
  readonly client: KubeClient;
  /** Where the pools that were read are shown. */
  readonly pools: NewestPools;
}

/** What is known of the NICs by the watch, and by what was read since. */
export interface KnownRecords {
  /** Whether the NIC holds an address itself, or needs none that is fixed. */
  readonly isServed: (nic: string, family: Family) => boolean;
  /** What an earlier pod left for the NIC. */
  readonly left: (nic: string, family: Family) => LeftAddress | undefined;
}

/**
 * Reads the pools that may have a record of the holder for a NIC without an address. First the one that seems to have it:
 * the watch may show an old record. Where there is none, all pools that the annotations name, because a StatefulSet's pod
 * takes over only what these have. A virtual machine keeps the address of any pool; its SpiderEndpoint names that pool.
 * Resolves with whether a pool was read.
 */
export async function readUnseen(
  { client, pools }: UnseenRecordsOptions,
  holder: PodHolder,
  candidates: readonly NicCandidates[],
  { isServed, left }: KnownRecords,
  signal: AbortSignal,
): Promise<boolean> {
  const open = candidates.flatMap(({ nic, families }) =>
    families.filter(({ family }) => !isServed(nic, family)).map((one) => ({ ...one, nic })),
  );
  if (open.length === 0) return false;
  const read = async (names: Iterable<string>) => {
    await Promise.all(Array.from(new Set(names), (name) => readPool({ client, pools }, name, signal)));
  };
  await read(open.flatMap(({ nic, family }) => left(nic, family)?.pool ?? []));
  const missing = open.filter(({ nic, family }) => left(nic, family) === undefined);
  if (missing.length === 0) return true;
  const shown =
    holder.fixedTo === 'VirtualMachineInstance' ? await shownPools(client, holder.name, signal) : [];
  // A pool that was left out, for example as disabled, may be one that the watch shows too old.
  await read([...missing.flatMap(({ named, pools: offered }) => named ?? offered), ...shown]);
  return true;
}

async function readPool(
  { client, pools }: UnseenRecordsOptions,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const pool = await ifFound(client.get(resources.spiderIPPools, { name }, { signal }));
  const known = pools.get(name);
  if (pool !== undefined) pools.show(pool);
  else if (known !== undefined) pools.gone(known);
}

async function shownPools(client: KubeClient, holder: string, signal: AbortSignal): Promise<string[]> {
  const endpoint = await ifFound(client.get(resources.spiderEndpoints, refOfPod(holder), { signal }));
  const ips = endpoint?.status?.current?.ips ?? [];
  return ips.flatMap(({ ipv4Pool, ipv6Pool }) => [ipv4Pool ?? [], ipv6Pool ?? []].flat());
}
