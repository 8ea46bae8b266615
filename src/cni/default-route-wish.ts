// Whether the NIC that shall keep the default route can ever be there: told by the networks that the pod asks Multus for.

import { NETWORKS_ANNOTATION, type Pod, parseNetworks } from '#api';
import { isOrbError, OrbError } from '#base';
import type { MergedOptions } from '#plan/network';

/**
 * Refuses a NIC that the pod does not ask for, in Spiderpool's words; one that comes later is no error (Spiderpool fails net1's ADD for
 * net2). Like Spiderpool not for the pod's first NIC: settings of the cluster may name a net1 that only some pods have.
 */
export function requireDefaultRouteNic(
  { mode, podDefaultRouteNic: wanted, podDefaultCniNic: first, tunePodRoutes }: MergedOptions,
  { annotations = {}, namespace = '' }: Pod['metadata'],
  nic: string,
): void {
  if (wanted === '' || mode.startsWith('disable') || !tunePodRoutes || nic === first) return;
  const further = furtherNics(annotations[NETWORKS_ANNOTATION], namespace);
  // Who attaches NICs without that annotation tells nobody which come.
  if (further === undefined || [first, nic, ...further].includes(wanted)) return;
  throw new OrbError('INPUT_INVALID', {
    message: `podDefaultRouteNIC: ${wanted} don't exist in pod; allowed: ${[first, ...further].join(', ')}`,
    subject: 'coordinator option podDefaultRouteNic',
  });
}

/** Undefined where it is not told, or told wrongly, which is for Multus to say. */
function furtherNics(annotation: string | undefined, namespace: string): string[] | undefined {
  if (annotation === undefined) return undefined;
  try {
    return parseNetworks(annotation, namespace).map((selection) => selection.interface);
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return undefined;
    throw error;
  }
}
