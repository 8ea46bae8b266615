// The controllers of pools and subnets, and what they share.

import type { Clock, Logger } from '#base';
import { Carver, NewestPools } from '#carving';
import type { KubeClient } from '#kube';
import { reservedAddresses } from '#plan/ipam';
import type { AutomaticPoolSettings } from '#plan/subnet';
import type { Informers } from '#reconcile';
import type { AddressController, addressKinds } from '../kinds.ts';
import type { RecordChecks } from '../record-checks.ts';
import { applicationController } from './applications.ts';
import { poolController } from './pools.ts';
import { subnetController } from './subnets.ts';

export interface SubnetControllersOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly informers: Informers<typeof addressKinds>;
  readonly automaticPools: AutomaticPoolSettings;
  readonly records: RecordChecks;
}

export function subnetControllers(options: SubnetControllersOptions): AddressController[] {
  const { informers } = options;
  const { state } = informers;
  const pools = new NewestPools(state.pools);
  informers.subscribe((kind, { type, object }) => {
    if (kind === 'pools') pools.watched(object as Parameters<typeof pools.watched>[0], type === 'deleted');
  });
  const carver = new Carver({
    ...options,
    pools,
    reserved: () => reservedAddresses(state.reserved.list()),
    families: [4, 6],
  });
  const applications = applicationController({ ...options, carver, pools });
  const kept = [poolController(options.records), subnetController(carver, pools)];
  return options.automaticPools.enabled ? [applications, ...kept] : kept;
}
