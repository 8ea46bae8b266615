export { CONFIG_PATH, readConfigFile } from './config-file.ts';
