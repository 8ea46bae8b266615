// The port of this node: which it is, and addresses for pods. It calls the kernel for its files. The clients beside it do not,
// and run in the controller too.

export { AddressPairs } from './address-pairs.ts';
export { clearLedgers } from './clearing.ts';
export { FixedIps, type FixedIpsParts } from './fixed-ips.ts';
export { knownIdentity, knownNics } from './known-identity.ts';
export { knownPlaces, type Place, rememberPlace } from './known-places.ts';
export { LedgerFile, ledgersIn } from './ledger-file.ts';
export { OwnPorts, type OwnPortsParts } from './own-ports.ts';
export { PortAddresses, type Stock } from './port-addresses.ts';
