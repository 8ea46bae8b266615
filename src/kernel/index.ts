export {
  type ArpPacket,
  arpAnnouncement,
  arpProbe,
  arpRequest,
  decodeArp,
  encodeArp,
} from './arp.ts';
export { deviceNics } from './device-nics.ts';
export { driftFilter } from './drift-filter.ts';
export { exitAtOnce } from './ffi/index.ts';
export {
  type FileLock,
  filesIn,
  keepRecord,
  lockFile,
  makePrivateDirectory,
  readRecord,
  removeDurably,
  syncDirectory,
  writeDurably,
  writeRecord,
  writeWhole,
} from './files.ts';
export { leadsToNetns, openGivenNamespace, openGivenNetns } from './given-netns.ts';
export {
  type MonitorOptions,
  monitorNetns,
  type NetworkEvent,
  type NetworkListener,
  type NetworkMonitor,
  type WatchedKind,
} from './monitor.ts';
export { openNamespace, openNamespaceOf } from './namespace.ts';
export { NamespaceIds } from './namespace-ids.ts';
export { namespacePaths } from './namespace-paths.ts';
export {
  decodeNeighbourMessage,
  duplicateProbe,
  multicastMac,
  type NeighbourMessage,
  neighbourSolicitation,
  solicitedNode,
  unsolicitedAdvertisement,
} from './nd.ts';
export type { FollowedFlow } from './netlink/index.ts';
export {
  assertThreadsAtHome,
  createNetns,
  inNetns,
  makeNetns,
  type NetnsHandle,
  openNetns,
  primeThreads,
  removeNetns,
  type Sync,
} from './netns.ts';
export { netnsCookie } from './netns-cookie.ts';
export { type PacketListener, PacketSocket, type PacketSocketOptions } from './packet.ts';
export { physicalFunctionNics } from './physical-function.ts';
export { ServiceRules } from './service-rules.ts';
export { listenInNetns, type PeerCredentials, peerCredentials } from './sockets.ts';
export { hasSpares, isFull, isSpare, makeSpares, writeOverSpare } from './spare-files.ts';
export { useSysctlFolder } from './sysctl.ts';
