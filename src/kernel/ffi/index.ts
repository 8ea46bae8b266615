export { callBpf, pointerTo } from './bpf.ts';
export {
  abortProcess,
  attachFilter,
  bindMount,
  bindSocket,
  closeFd,
  closeFdElsewhere,
  connectSocket,
  describeErrno,
  detachMount,
  enterNetworkNamespace,
  exitAtOnce,
  type FilterInstruction,
  getSocketOption,
  interfaceIndex,
  listenSocket,
  openForLocking,
  openForReading,
  openSocket,
  peekDatagramLength,
  receiveDatagram,
  sendDatagram,
  sendDatagramElsewhere,
  setSocketOption,
  tryLock,
  unshareNetworkNamespace,
} from './libc.ts';
export { type NftAnswer, type NftContext, openNftContext } from './libnftables.ts';
export { MessageReceiver } from './message.ts';
export { type Watch, watchReadable } from './poll.ts';
