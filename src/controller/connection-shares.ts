// Who may hold the connections of a server that everyone in the cluster can reach: when there are too many, the address that
// holds the most loses one. So nobody keeps others out.

import type { Socket } from 'node:net';

/** What tells connections apart. TLS and HTTP/2 show the address and port of the socket below them. */
export type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>;

interface Held {
  readonly socket: Socket;
  /** What is under way, e.g. requests. */
  reasons: number;
}

export class ConnectionShares {
  readonly #most: number;
  /** By address, then by port, the oldest first. */
  readonly #held = new Map<string, Map<number, Held>>();
  #count = 0;

  /** With the most connections that are open at one time. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a new connection until it closes, and closes another one if there are too many now. */
  add(socket: Socket): void {
    const { remoteAddress: address, remotePort: port } = socket;
    // It is closed already.
    if (address === undefined || port === undefined) return;
    const older = this.#held.get(address)?.get(port);
    if (older !== undefined) this.#forget(address, port, older.socket);
    const own = this.#held.get(address) ?? new Map<number, Held>();
    own.set(port, { socket, reasons: 0 });
    this.#held.set(address, own);
    this.#count += 1;
    socket.once('close', () => this.#forget(address, port, socket));
    if (this.#count > this.#most) this.#closeOne();
  }

  /** The connection is closed only if all others of its address are in use too. The result ends that. */
  use({ remoteAddress = '', remotePort = 0 }: Peer): () => void {
    const held = this.#held.get(remoteAddress)?.get(remotePort);
    if (held === undefined) return () => undefined;
    held.reasons += 1;
    let isUsed = true;
    return () => {
      if (isUsed) held.reasons -= 1;
      isUsed = false;
    };
  }

  /** Also those whose handshake has not ended, which servers of Node do not close. */
  closeAll(): void {
    for (const own of this.#held.values()) for (const { socket } of own.values()) socket.destroy();
  }

  #closeOne(): void {
    const [first, ...others] = this.#held;
    if (first === undefined) return;
    const [address, most] = others.reduce((a, b) => (b[1].size > a[1].size ? b : a), first);
    const all = [...most];
    const [port, { socket }] = all.find(([, { reasons }]) => reasons === 0) ?? (all[0] as [number, Held]);
    this.#forget(address, port, socket);
    socket.destroy();
  }

  /** Once for each connection. Its address and port may belong to a newer one. */
  #forget(address: string, port: number, socket: Socket): void {
    const own = this.#held.get(address);
    if (own?.get(port)?.socket !== socket) return;
    own.delete(port);
    if (own.size === 0) this.#held.delete(address);
    this.#count -= 1;
  }
}
