// Fixed addresses at the end of a pod: whether its StatefulSet or virtual machine keeps them.

import { type Pod, resources } from '#api';
import { OrbError } from '#base';
import type { KubeClient } from '#kube';
import type { FixedSettings } from '#plan/ipam';
import { type Claim, claimOf, hasFinished } from '#plan/reclaim';
import { LiveSight, ownerOf, refOfPod } from '#reclaim';

export interface FixedOptions extends FixedSettings {
  readonly client: KubeClient;
}

/** The pod that ends. */
export interface EndingPod {
  /** `namespace/name`. */
  readonly name: string;
  readonly uid: string;
  /** Undefined if the cluster does not know it any more. Then its SpiderEndpoint tells its controller, or else its name. */
  readonly object: Pod | undefined;
}

/**
 * Asks the server whether the addresses that the pod holds under the name `holder` are still needed.
 * @throws OrbError KUBE_UNREACHABLE if the server does not say
 */
export async function claimNow(
  holder: string,
  ending: EndingPod,
  options: FixedOptions,
  signal: AbortSignal,
): Promise<Claim> {
  const pod = ending.object;
  const { client, fixedForStatefulSets, fixedForVirtualMachines } = options;
  if (!fixedForStatefulSets && !fixedForVirtualMachines) return { state: 'none', why: 'no address is fixed' };
  const sight = new LiveSight(client, signal);
  const ref = refOfPod(holder);
  const endpoint = pod === undefined ? await sight.look(resources.spiderEndpoints, ref) : undefined;
  if (endpoint?.state === 'unreadable') throw unknown(holder, endpoint.said);
  const shown = endpoint?.state === 'present' ? endpoint.object : undefined;
  const owner = await ownerOf(ref, pod, shown, sight);
  if (owner.kind === 'unreadable') throw unknown(holder, owner.said);
  const claim = claimOf({ pod: holder }, owner, options);
  if (claim.state === 'kept' || holder === ending.name) return claim;
  const other = await companionOf(holder, ending.uid, sight);
  if (other === undefined) return claim;
  return {
    state: 'kept',
    why: `pod ${other.metadata.name} of the same virtual machine may use the addresses`,
  };
}

/**
 * Another pod of the virtual machine that may use the addresses. While a machine migrates, two pods hold them together.
 * The DEL of the last one frees them, or the controller does.
 */
async function companionOf(machine: string, podUid: string, sight: LiveSight): Promise<Pod | undefined> {
  const pods = await sight.podsOfMachine(machine);
  if (pods.state === 'unreadable') throw unknown(machine, pods.said);
  if (pods.state === 'absent') return undefined;
  return pods.object.find((pod) => pod.metadata.uid !== podUid && !hasFinished(pod));
}

function unknown(holder: string, said: string): OrbError {
  const message = `the server does not say whether the addresses of ${holder} are fixed`;
  return new OrbError('KUBE_UNREACHABLE', { message, subject: `Pod ${holder}`, said });
}
