export { type ControllerOptions, type RunningController, startController } from './controller.ts';
