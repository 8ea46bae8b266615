export { Repair, type RepairOptions } from './repair.ts';
export type { RepairMetrics } from './report.ts';
