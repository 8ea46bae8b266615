// Fixed addresses at the end of a pod: whether its StatefulSet or virtual machine keeps them.

import { type Pod, resources } from '#api';
import { OrbError } from '#base';
import type { KubeClient } from '#kube';
import type { FixedSettings } from '#plan/ipam';
import { type Claim, claimOf } from '#plan/reclaim';
import { LiveSight, ownerOf, refOfPod } from '#reclaim';

export interface FixedOptions extends FixedSettings {
  readonly client: KubeClient;
}

/**
 * Asks the server whether the addresses that are held under this name are still claimed. `pod` is undefined if the
 * cluster does not know the pod any more. Then its SpiderEndpoint tells its controller, or else its name.
 * @throws OrbError KUBE_UNREACHABLE if the server does not say
 */
export async function claimNow(
  holder: string,
  pod: Pod | undefined,
  options: FixedOptions,
  signal: AbortSignal,
): Promise<Claim> {
  const { client, fixedForStatefulSets, fixedForVirtualMachines } = options;
  if (!fixedForStatefulSets && !fixedForVirtualMachines) return { state: 'none', why: 'no address is fixed' };
  const sight = new LiveSight(client, signal);
  const ref = refOfPod(holder);
  const endpoint = pod === undefined ? await sight.look(resources.spiderEndpoints, ref) : undefined;
  if (endpoint?.state === 'unreadable') throw unknown(holder, endpoint.said);
  const shown = endpoint?.state === 'present' ? endpoint.object : undefined;
  const owner = await ownerOf(ref, pod, shown, sight);
  if (owner.kind === 'unreadable') throw unknown(holder, owner.said);
  return claimOf({ pod: holder }, owner, options);
}

function unknown(holder: string, said: string): OrbError {
  const message = `the server does not say whether the addresses of ${holder} are fixed`;
  return new OrbError('KUBE_UNREACHABLE', { message, subject: `Pod ${holder}`, said });
}
