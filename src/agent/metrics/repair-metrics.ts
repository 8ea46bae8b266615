// Counters of comparisons and repairs.

import { Counter, type Registry } from 'prom-client';
import type { RepairMetrics } from '../repair/index.ts';

export function repairMetrics(registry: Registry): RepairMetrics {
  const registers = [registry];
  const compared = new Counter({
    name: 'orbweaver_comparisons_total',
    help: 'Comparisons of a pod or of the node with its plan',
    labelNames: ['scope'],
    registers,
  });
  const repairs = new Counter({
    name: 'orbweaver_repairs_total',
    help: 'Repairs of a pod or of the node, by reason and result',
    labelNames: ['scope', 'reason', 'result'],
    registers,
  });
  const objects = new Counter({
    name: 'orbweaver_drift_objects_total',
    help: 'Routes, rules, neighbours, links, sysctls and tables that were missing or different',
    labelNames: ['scope'],
    registers,
  });
  return {
    compared: (scope) => compared.inc({ scope }),
    repaired: (scope, reason, result) => repairs.inc({ scope, reason, result }),
    drifted: (scope, count) => objects.inc({ scope }, count),
  };
}
