// Two socket functions that Node lacks: listening inside a namespace, and the credentials of a unix socket's peer.

import type { Socket } from 'node:net';
import { ByteReader, OrbError } from '#base';
import { addressBytes, parseAddress } from '#ip';
import {
  bindSocket,
  closeFd,
  getSocketOption,
  listenSocket,
  openSocket,
  setSocketOption,
} from './ffi/index.ts';
import { inNetns, type NetnsHandle } from './netns.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOL_SOCKET = 1;

/**
 * A TCP socket that listens on an address inside the namespace. Port 0 picks a free port. Pass the descriptor to
 * `net.Server.listen({ fd })`, which then owns it and may accept from outside the namespace.
 */
export function listenInNetns(netns: NetnsHandle, host: string, port: number): number {
  const SOCK_STREAM = 1;
  const SO_REUSEADDR = 2;
  const IPPROTO_IPV6 = 41;
  const IPV6_V6ONLY = 26;
  const address = parseAddress(host);
  const subject = `tcp ${host} port ${port} in ${netns.path}`;
  return inNetns(netns, () => {
    const fd = openSocket(address.family === 4 ? AF_INET : AF_INET6, SOCK_STREAM, 0, subject);
    try {
      setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      if (address.family === 6) setSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      bindSocket(fd, internetAddress(addressBytes(address), port), subject);
      listenSocket(fd, 511, subject);
      return fd;
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  });
}

/**
 * struct sockaddr_in or sockaddr_in6. The family is in the machine's byte order, port and address are in network byte
 * order.
 */
function internetAddress(address: Uint8Array, port: number): Uint8Array {
  const v4 = address.length === 4;
  const bytes = new Uint8Array(v4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, v4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  bytes.set(address, v4 ? 4 : 8);
  return bytes;
}

/** The process at the other end of a unix socket, as it was at the connection. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** SO_PEERCRED (unix(7)) of a connection that Node has accepted. */
export function peerCredentials(socket: Socket): PeerCredentials {
  const SO_PEERCRED = 17;
  // Node does not expose the descriptor, but net.Socket has always kept it in its handle.
  const fd = (socket as { _handle?: { fd?: unknown } })._handle?.fd;
  if (typeof fd !== 'number' || fd < 0) {
    throw new OrbError('INTERNAL', { message: 'the socket has no open descriptor' });
  }
  const credentials = new ByteReader(getSocketOption(fd, SOL_SOCKET, SO_PEERCRED, 12), 'little');
  return { pid: credentials.u32(), uid: credentials.u32(), gid: credentials.u32() };
}
