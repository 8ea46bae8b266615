export { runOpenStackCheck } from './run.ts';
