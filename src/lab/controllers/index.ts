export { type ControllersOptions, runControllers } from './controllers.ts';
