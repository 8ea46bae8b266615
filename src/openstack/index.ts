export { type CloudClient, cloudClient } from './cloud.ts';
export type { CloudConfig } from './cloud-config.ts';
export { cloudOf } from './environment.ts';
export { LedgerFile } from './ledger-file.ts';
export { type FoundIdentity, findIdentity } from './node-identity.ts';
export { PortAddresses, type PortAddressesParts } from './port-addresses.ts';
export { driveDocument, metadataDocument } from './vm-document.ts';
