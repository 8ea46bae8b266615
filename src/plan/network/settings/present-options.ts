// The options of the coordinator that follow the cluster while a pod runs: the networks that the pod reaches through
// its node.

import type { SpiderCoordinator } from '#api';
import { type CoordinatorOptions, type MergedOptions, mergeOptions, readSettings } from './settings.ts';

/**
 * A change of these options needs no restart of the pod. All other options keep the values of the NIC's ADD
 * (docs/adr/0024).
 */
const following = ['overlayPodCIDR', 'serviceCIDR', 'hijackCIDR', 'policyRoutes'] as const;

/**
 * The options of the NIC's ADD, with the networks that its configuration and the SpiderCoordinator name now. While the
 * SpiderCoordinator is not synced, the old networks stay. Otherwise pods would lose these networks for a moment.
 * @throws OrbError INPUT_INVALID for networks that cannot be read
 */
export function presentOptions(
  recorded: MergedOptions,
  netConf: CoordinatorOptions,
  coordinator: SpiderCoordinator | undefined,
): MergedOptions {
  if (coordinator?.status?.phase !== 'Synced') return recorded;
  const merged = mergeOptions({ netConf, podAnnotations: {}, coordinator });
  if (following.every((option) => sameList(merged[option], recorded[option]))) return recorded;
  const present = {
    ...recorded,
    ...Object.fromEntries(following.map((option) => [option, merged[option]])),
  };
  readSettings(present);
  return present;
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
