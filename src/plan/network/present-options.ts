// What of the coordinator's options follows the cluster while a pod runs: the networks it reaches through its node.

import type { SpiderCoordinator } from '#api';
import { type CoordinatorOptions, type MergedOptions, mergeOptions, readSettings } from './settings.ts';

/** A pod needs no restart for these; everything else is what it was when its NIC was attached (docs/adr/0024). */
const following = ['overlayPodCIDR', 'serviceCIDR', 'hijackCIDR', 'policyRoutes'] as const;

/**
 * The options that the NIC was attached with, the networks as its configuration and the SpiderCoordinator say now. While
 * that is not synced the old ones hold: networks that are unknown for a moment are no reason to cut pods off.
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
