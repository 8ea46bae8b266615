// How many addresses pools and subnets have, under the names that Spiderpool documents. They are read when they are
// scraped, so they are right from the creation of an object on, and a deleted one is gone.

import { Gauge, type Registry } from 'prom-client';
import type { SpiderIPPool, SpiderSubnet } from '#api';
import { addConditionMetrics } from './condition-metrics.ts';
import { addHeldMetrics } from './held-metrics.ts';

/** What is counted. */
export interface AddressUse {
  readonly pools: () => readonly SpiderIPPool[];
  readonly subnets: () => readonly SpiderSubnet[];
}

type Counts = SpiderIPPool['status'] | SpiderSubnet['status'];

const total = (counts: Counts): number => counts?.totalIPCount ?? 0;
const available = (counts: Counts): number => Math.max(0, total(counts) - (counts?.allocatedIPCount ?? 0));

/** Adds the gauges to the registry. */
export function addUseMetrics(registry: Registry, { pools, subnets }: AddressUse): void {
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: (one: Gauge<L>) => void,
  ) =>
    new Gauge<L>({
      ...{ name, help, labelNames, registers: [registry] },
      collect() {
        this.reset();
        read(this);
      },
    });
  const perObject = <T extends SpiderIPPool | SpiderSubnet>(
    name: string,
    help: string,
    label: string,
    objects: () => readonly T[],
    count: (object: T) => number,
  ) =>
    gauge(name, help, [label], (one) => {
      for (const object of objects()) one.set({ [label]: object.metadata.name ?? '' }, count(object));
    });
  addConditionMetrics(registry, () => [...pools(), ...subnets()]);
  addHeldMetrics(registry, pools);
  gauge('spiderpool_total_ippool_counts', 'Pools', [], (one) => one.set(pools().length));
  gauge('spiderpool_total_subnet_counts', 'Subnets', [], (one) => one.set(subnets().length));
  const [inPool, inSubnet] = ['SpiderIPPool', 'SpiderSubnet'];
  perObject('spiderpool_debug_ippool_total_ip_counts', 'Addresses of a pool', inPool, pools, ({ status }) =>
    total(status),
  );
  perObject(
    'spiderpool_debug_ippool_available_ip_counts',
    'Addresses of a pool that nobody holds',
    inPool,
    pools,
    ({ status }) => available(status),
  );
  perObject(
    'spiderpool_debug_subnet_total_ip_counts',
    'Addresses of a subnet',
    inSubnet,
    subnets,
    ({ status }) => total(status),
  );
  perObject(
    'spiderpool_debug_subnet_available_ip_counts',
    'Addresses of a subnet that no pool has',
    inSubnet,
    subnets,
    ({ status }) => available(status),
  );
  perObject(
    'spiderpool_debug_subnet_ippool_counts',
    'Pools of a subnet',
    inSubnet,
    subnets,
    ({ metadata }) => {
      const owned = pools().filter(({ metadata: { ownerReferences = [] } }) =>
        ownerReferences.some(({ uid }) => uid === metadata.uid),
      );
      return owned.length;
    },
  );
}
