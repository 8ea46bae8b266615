export { releasingIpam, requireIpam } from './delegated.ts';
export type {
  AddressWish,
  AllocatedAddress,
  AllocatedRoute,
  Allocation,
  AllocationRequest,
  HeldAddress,
  HoldingRequest,
  Ipam,
  LinkDemand,
  ReleaseRequest,
} from './ipam.ts';
export { notHeldError } from './ipam.ts';
export { type IpamParts, IpamPlugin } from './ipam-plugin.ts';
export { heldAddresses, sourceOf } from './ipam-record.ts';
