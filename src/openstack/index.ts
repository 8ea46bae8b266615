export { type CloudClient, cloudClient } from './cloud.ts';
export type { CloudConfig } from './cloud-config.ts';
export { cloudOf } from './environment.ts';
export { type FoundIdentity, findIdentity } from './node-identity.ts';
export { driveDocument, metadataDocument } from './vm-document.ts';
