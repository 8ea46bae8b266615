// For tests of NICs that a VM gets for pods.

export { KIND, NicCloud, SERVER } from './nic-cloud.ts';
