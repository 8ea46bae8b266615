export { runMigrate } from './run.ts';
