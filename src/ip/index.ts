export {
  type Address,
  addressBytes,
  addressFromBytes,
  type Family,
  formatAddress,
  maxPrefixLength,
  parseAddress,
  sameAddress,
  tryParseAddress,
} from './address.ts';
export { AddressSet } from './address-set.ts';
export { rangeBlocks } from './blocks.ts';
export {
  type Cidr,
  cidrContains,
  cidrLabel,
  cidrRange,
  cidrsOverlap,
  defaultDestination,
  formatCidr,
  hostCidr,
  networkOf,
  parseCidr,
  parseNetwork,
  sameCidr,
  unusableAddresses,
} from './cidr.ts';
export { type AddressRange, formatRange, parseRange } from './range.ts';
