export { reclaimControllers } from './controllers.ts';
