export { type BackPlan, type MissingAllocations, planBack } from './back.ts';
export type { Holder } from './holders.ts';
export type { HostLocalFile } from './host-local-files.ts';
export { BEFORE_ANNOTATION, SWITCHED_ANNOTATION } from './network.ts';
export {
  type ImportedNetwork,
  type ImportedPool,
  type ImportFacts,
  type ImportPlan,
  planImport,
  settlesInMs,
} from './plan.ts';
export { type ImportSource, importSources } from './source-conf.ts';
export { poolObject } from './wanted-pools.ts';
