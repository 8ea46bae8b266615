export { type CloudOptions, cloudControllers } from './controllers.ts';
