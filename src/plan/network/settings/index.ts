export { presentOptions } from './present-options.ts';
export {
  type CoordinatorOptions,
  type CoordinatorSettings,
  clusterHostRuleTable,
  defaultRouteNicOf,
  type MergedOptions,
  type MultusDefault,
  mergeOptions,
  mergeSettings,
  type PolicyRoute,
  readSettings,
  type SettingSources,
} from './settings.ts';
