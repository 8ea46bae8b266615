// What the kernel should know of Services: which backends stand behind which address and port.

import { type Address, formatAddress } from '#ip';

/** An address with a port. */
export interface Place {
  readonly address: Address;
  readonly port: number;
}

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** What a client asks for: a port of a Service at one of its addresses. */
export interface Frontend extends Place {
  readonly protocol: Protocol;
}

/** What a client gets. All of the family of the frontend. */
export interface Backends {
  /** They take new connections. None: connections are refused. */
  readonly ready: readonly Place[];
  /** They take no new connections. A socket that has chosen one of them keeps it. */
  readonly draining: readonly Place[];
  /** A client gets the same backend until it has not asked for so many seconds. 0: it may get any each time. */
  readonly affinitySeconds: number;
}

export interface ServiceEntry {
  readonly frontend: Frontend;
  readonly backends: Backends;
}

/** How often sockets asked: each connect, and each first datagram of a socket to the frontend. */
export interface ServiceCounts {
  readonly chosen: number;
  readonly refused: number;
}

/** By {@link frontendKey}. */
export type ServiceTable = ReadonlyMap<string, ServiceEntry>;

export function placeText({ address, port }: Place): string {
  const text = formatAddress(address);
  return address.family === 4 ? `${text}:${port}` : `[${text}]:${port}`;
}

export function frontendKey(frontend: Frontend): string {
  return `${frontend.protocol} ${placeText(frontend)}`;
}
