export { type Applied, applyNetwork, applyNode, type Namespaces } from './apply.ts';
export { type AllocatedAddress, type AttachmentRecord, planRecord } from './attachment-record.ts';
export { type AttachmentPart, Attachments } from './attachments.ts';
export { checkNetwork } from './check.ts';
export { DelQueue, type QueuedDel } from './del-queue.ts';
export { switchOffDuplicateDetection } from './duplicate-detection.ts';
export {
  type Announcement,
  announce,
  type ProbeReport,
  type ProbeRequest,
  probeNic,
} from './probe/index.ts';
export { openStateDirectory } from './state-directory.ts';
export { MemoryStateFiles, type StateFile, type StateFiles } from './state-files.ts';
export { undoNode, undoPod } from './undo.ts';
