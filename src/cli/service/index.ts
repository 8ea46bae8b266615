export { runServiceBackends, runServiceExplain, runServiceList } from './run.ts';
