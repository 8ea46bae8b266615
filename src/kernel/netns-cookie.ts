// The kernel's number of a network namespace, as BPF programs see it.

import { closeFd, getSocketOption, openSocket } from './ffi/index.ts';
import { inNetns, type NetnsHandle } from './netns.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
/** socket.h; Linux 5.14. */
const SO_NETNS_COOKIE = 71;

/** No two namespaces of the machine ever have the same. */
export function netnsCookie(netns: NetnsHandle): bigint {
  const fd = inNetns(netns, () => openSocket(AF_UNIX, SOCK_DGRAM, 0, netns.path));
  try {
    return Buffer.from(getSocketOption(fd, SOL_SOCKET, SO_NETNS_COOKIE, 8)).readBigUInt64LE();
  } finally {
    closeFd(fd);
  }
}
