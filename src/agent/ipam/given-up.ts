// Fixed addresses that a pod gives up when it gets others.

import { errorText } from '#base';
import type { AllocationRequest } from '#cni';
import type { Assignment, PodOwner } from '#plan/ipam';
import type { NodePools } from './node-pools.ts';

/**
 * Releases what an earlier pod of this name left for the same NICs, where the pod got another address. Its annotations
 * or its node have changed.
 */
export async function giveUp(
  pools: NodePools,
  { pod, podUid }: PodOwner,
  assignments: readonly Assignment[],
  { signal, log }: Pick<AllocationRequest, 'signal' | 'log'>,
): Promise<void> {
  for (const { pool, record } of pools.leftBy(pod, podUid)) {
    const { nic } = record;
    if (nic === undefined || assignments.every((one) => one.nic !== nic)) continue;
    try {
      await pools.release(pool, { scope: 'nic', podUid: record.podUid, nic }, signal);
    } catch (error) {
      log.warn(
        { pool, nic, error: errorText(error) },
        'could not give up a fixed address; the controller frees it',
      );
    }
  }
}
