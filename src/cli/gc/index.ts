export { runGc } from './run.ts';
