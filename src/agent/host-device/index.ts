export { NicSource } from './nic-source.ts';
