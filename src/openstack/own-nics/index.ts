// The NICs that this VM gets for pods. It calls the kernel for its files.

export { clearNics, type NicClearingParts } from './clearing.ts';
export { NicLedgerFile, nicLedgersIn } from './nic-ledger-file.ts';
export { VmNics, type VmNicsParts } from './vm-nics.ts';
