export { type ControllerOptions, startController } from './controller.ts';
