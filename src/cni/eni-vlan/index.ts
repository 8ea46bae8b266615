export { type EniVlanParts, EniVlanPlugin } from './eni-vlan-plugin.ts';
export { eniVlanPart } from './eni-vlan-record.ts';
