// The controllers of reclaiming, and what they share.

import type { ReclaimSettings } from '#plan/reclaim';
import { Reclaimer, type ReclaimerOptions } from '#reclaim';
import type { Informers } from '#reconcile';
import type { AddressController, claimKinds } from '../kinds.ts';
import { Absences } from './absences.ts';
import { endpointReclaimController } from './endpoints.ts';
import { poolReclaimController } from './pools.ts';

/** None if reclaiming is switched off. */
export function reclaimControllers(
  parts: Pick<ReclaimerOptions, 'client' | 'clock' | 'log' | 'metrics' | 'askNode' | 'iaas'> & {
    readonly claims: Informers<typeof claimKinds>;
  },
  reclaiming?: { readonly settings: ReclaimSettings; readonly scanIntervalMs: number },
): AddressController[] {
  if (reclaiming?.settings.enabled !== true) return [];
  const { settings, scanIntervalMs } = reclaiming;
  const { clock, log, claims } = parts;
  const reclaimer = new Reclaimer({ ...parts, settings });
  const options = { reclaimer, absences: new Absences(), clock, log, claims, scanIntervalMs };
  return [poolReclaimController(options), endpointReclaimController(options)];
}
