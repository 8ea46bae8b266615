// An Event on a pod that gets no address of Neutron, or no NIC: what the cloud said, and what to do.

import { resources } from '#api';
import { errorText, isOrbError } from '#base';
import type { AllocationRequest } from '#cni';
import type { EventRecorder } from '#kube';

type RefusedPod = Pick<AllocationRequest, 'podNamespace' | 'podName' | 'podUid' | 'interfaceName'>;

const reasonOf = { address: 'AddressMissing', NIC: 'NicMissing' } as const;

/** A runtime repeats its ADD every few seconds. With an id in it, each Event would be a new one instead of a higher count. */
const REQUEST_ID = / \(request [^)]*\)/g;

/**
 * Tells of errors of OpenStack, and of its silence: `known` is then what it said last. An error of the configuration is
 * that of its author, and the runtime's Event has it.
 */
export function tellRefusal(
  { podNamespace: namespace, podName: name, podUid, interfaceName }: RefusedPod,
  what: keyof typeof reasonOf,
  { error, known }: { readonly error: unknown; readonly known?: string | undefined },
  events: Pick<EventRecorder, 'record'>,
): void {
  if (!isOrbError(error)) return;
  const isLate = error.code === 'DEADLINE_PASSED';
  if (!isLate && !error.code.startsWith('OPENSTACK_')) return;
  const said = isLate && known !== undefined ? `${errorText(error)}; before, ${known}` : errorText(error);
  const text = said.replaceAll(REQUEST_ID, '').replace(/\.$/, '');
  const message = `interface ${interfaceName} gets no ${what}: ${error.code}: ${text}. ${error.advice}`;
  const pod = { metadata: { namespace, name, ...(podUid !== undefined && { uid: podUid }) } };
  events.record(resources.pods, pod, { type: 'Warning', reason: reasonOf[what], message });
}
