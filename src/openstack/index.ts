export { type CloudClient, cloudClient } from './cloud.ts';
export type { CloudConfig } from './cloud-config.ts';
export { cloudOf, type Environment } from './environment.ts';
export type { FloatingIp, Subnet } from './neutron-objects.ts';
export { type FoundIdentity, findIdentity } from './node-identity.ts';
export { type NodeNic, ownNic } from './own-nic.ts';
export { PoolPorts, type RefusedAddress } from './pool-ports.ts';
export type { Sight } from './service.ts';
export { driveDocument, metadataDocument } from './vm-document.ts';
