export { type ControllerOptions, type RunningController, startController } from './controller.ts';
export type { DefaultObject } from './installation/index.ts';
