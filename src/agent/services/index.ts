export { endServiceMode, startServiceMode } from './service-mode.ts';
