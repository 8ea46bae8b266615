export { multusConfigController } from './multus-config.ts';
