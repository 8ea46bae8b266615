export { startServiceMode } from './service-mode.ts';
