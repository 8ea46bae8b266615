export { runOpenStackCheck } from './run.ts';
export { runOpenStackSweep } from './sweep.ts';
