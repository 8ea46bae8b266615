// The conditions of pools and subnets as metrics, so that an alert can name the object.

import { Gauge, type Registry } from 'prom-client';
import type { SpiderIPPool, SpiderSubnet } from '#api';
import { EXHAUSTED_CONDITION, OVERLAPPING_CONDITION, QUARANTINED_CONDITION } from '#plan/ipam';

/** Those of other programs are theirs. */
const ours = new Set(['Ready', EXHAUSTED_CONDITION, OVERLAPPING_CONDITION, QUARANTINED_CONDITION]);

export function addConditionMetrics(
  registry: Registry,
  objects: () => readonly (SpiderIPPool | SpiderSubnet)[],
): void {
  new Gauge({
    name: 'orbweaver_condition',
    help: 'Whether a condition of a pool or subnet is true: 1 or 0',
    labelNames: ['kind', 'name', 'condition'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { kind = '', metadata, status } of objects()) {
        for (const { type, status: state } of status?.conditions ?? []) {
          const labels = { kind, name: metadata.name ?? '', condition: type };
          if (ours.has(type)) this.set(labels, state === 'True' ? 1 : 0);
        }
      }
    },
  });
}
