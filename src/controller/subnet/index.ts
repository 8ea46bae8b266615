export { subnetControllers } from './controllers.ts';
