export type { Conflict, Detection } from './detection.ts';
export { Dispatcher, type DispatcherOptions } from './dispatch.ts';
export { eniVlanPart } from './eni-vlan/index.ts';
export { decodeFrame, encodeFrame, type Frame, FrameReader } from './frame.ts';
export {
  type CloudNic,
  type CloudNics,
  hostDevicePart,
  type NicRequest,
} from './host-device/index.ts';
export {
  type AddressWish,
  type AllocatedAddress,
  type AllocatedRoute,
  type Allocation,
  type AllocationRequest,
  type HeldAddress,
  type HoldingRequest,
  type Ipam,
  type LinkDemand,
  notHeldError,
  type ReleaseRequest,
} from './ipam/index.ts';
export type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from './plugin.ts';
export {
  isGone,
  isNamespaceLeft,
  isRecorded,
  leftNamespace,
  type PodNamespaceParts,
  type RecordedNetns,
} from './pod-namespace.ts';
export { answerFrame, type CniAnswer, type CniRequest, readRequest, requestFrame } from './request.ts';
export { type AgentParts, type CniType, partsOf, pluginsOf, servedTypes } from './served-types.ts';
