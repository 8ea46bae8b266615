// The default routes that the pod's networks ask for: those that Multus sets, and whether the wanted NIC can ever
// exist.

import {
  DEFAULT_NETWORK_ANNOTATION,
  NETWORKS_ANNOTATION,
  type NetworkSelection,
  type Pod,
  parseDefaultNetwork,
  parseNetworks,
} from '#api';
import { isOrbError, OrbError } from '#base';
import type { MergedOptions, MultusDefault } from '#plan/network';

/**
 * Refuses a NIC that the pod does not request, with Spiderpool's words. A NIC that comes later is no error (Spiderpool
 * fails net1's ADD for net2).
 * Like Spiderpool, this does not apply to the pod's first NIC: the cluster's settings may name a net1 that only some
 * pods have.
 */
export function requireDefaultRouteNic(
  { mode, podDefaultRouteNic: wanted, podDefaultCniNic: first, tunePodRoutes }: MergedOptions,
  { annotations = {}, namespace = '' }: Pod['metadata'],
  nic: string,
): void {
  if (wanted === '' || mode.startsWith('disable') || !tunePodRoutes || nic === first) return;
  const further = furtherNics(annotations[NETWORKS_ANNOTATION], namespace);
  // Without that annotation, nothing says which NICs will come.
  if (further === undefined || [first, nic, ...further].includes(wanted)) return;
  throw new OrbError('INPUT_INVALID', {
    message: `podDefaultRouteNIC: ${wanted} don't exist in pod; allowed: ${[first, ...further].join(', ')}`,
    subject: 'coordinator option podDefaultRouteNic',
  });
}

/**
 * The gateways of `default-route` in the pod's networks, each with its NIC. Undefined if no network has one: Multus
 * then does not touch default routes. Multus considers the default network only for pods that request further networks.
 */
export function multusDefaults(
  { annotations = {}, namespace = '' }: Pod['metadata'],
  firstNic: string,
): MultusDefault[] | undefined {
  const further = annotations[NETWORKS_ANNOTATION];
  if (further === undefined) return undefined;
  const first = annotations[DEFAULT_NETWORK_ANNOTATION];
  const networks = [
    ...(first === undefined ? [] : (unlessWrong(() => [parseDefaultNetwork(first, namespace)]) ?? [])).map(
      (selection) => ({ ...selection, interface: firstNic }),
    ),
    ...(unlessWrong(() => parseNetworks(further, namespace)) ?? []),
  ];
  const asking = networks.filter((selection) => selection['default-route'] !== undefined);
  if (asking.length === 0) return undefined;
  return asking.flatMap(({ interface: nic, 'default-route': gateways = [] }) =>
    gateways.map((gateway) => ({ nic, gateway })),
  );
}

/** Undefined if the annotation is absent or invalid. */
function furtherNics(annotation: string | undefined, namespace: string): string[] | undefined {
  if (annotation === undefined) return undefined;
  return unlessWrong(() => parseNetworks(annotation, namespace))?.map((selection) => selection.interface);
}

/** Multus itself reports an invalid annotation. */
function unlessWrong(read: () => NetworkSelection[]): NetworkSelection[] | undefined {
  try {
    return read();
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return undefined;
    throw error;
  }
}
