export { runUninstall } from './run.ts';
