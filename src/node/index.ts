export { type Applied, applyNetwork, applyNode, driftOfNode } from './apply.ts';
export type { AttachmentRecord, CoordinatorPart, RecordedAddress } from './attachment-record.ts';
export { Attachments } from './attachments.ts';
export { checkNetwork } from './check.ts';
export { readCniFiles } from './cni-files.ts';
export { DelQueue, type QueuedDel } from './del-queue.ts';
export { switchOffDuplicateDetection } from './duplicate-detection.ts';
export { linkArrives, moveToNode, moveToPod, type NicBefore, seeNode } from './host-device/index.ts';
export { NodeFiles, type NodeFilesOptions, type PutFile } from './node-files.ts';
export { linksThatFilterSources, linksThatHearRouters } from './node-links.ts';
export { applyParent, observeParents } from './parent.ts';
export { parentNetworks } from './parent-networks.ts';
export { type Namespaces, numbersIn, type PodSight, seeOverlay, seePod } from './pod-sight.ts';
export {
  type Announcement,
  type AnswersRequest,
  announce,
  type ProbeReport,
  type ProbeRequest,
  probeNic,
  whoAnswers,
} from './probe/index.ts';
export { coordinatorPart, ipamPart, partOf, type RecordPart, withPart } from './record-part.ts';
export { readAttachments } from './recorded-attachments.ts';
export { nicOf, overlayOf, podInputOf, type RecordedNic, recordNic, replanned } from './recorded-nic.ts';
export { type Drift, driftOf, type RepairRequest, repairNetwork } from './repair.ts';
export { askRuntime } from './runtime/index.ts';
export { openStateDirectory } from './state-directory.ts';
export { MemoryStateFiles, type StateFile, type StateFiles } from './state-files.ts';
export { ownProxies, removeProxies, undoHost, undoNic, undoNode, undoPair, undoPod } from './undo.ts';
export {
  heldProxies,
  recordVethRoute,
  type VethRoutePart,
  vethRouteNetwork,
  vethRoutePart,
  withNodeAddresses,
} from './veth-route-part.ts';
