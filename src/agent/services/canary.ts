// A Service of the agent itself, which shows that the socket calls of this node are really served.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { errorText } from '#base';
import { formatAddress, parseAddress } from '#ip';
import type { ClaimedEntry, Protocol } from '#plan/service';

/** The servers listen at another address of the loopback, so without the programs nobody answers here. */
const VIRTUAL = parseAddress('127.255.255.1');
const REAL = parseAddress('127.0.0.1');
/** On a node with much work, an answer may take seconds. */
const TIMEOUT_MS = 5_000;

export class Canary {
  readonly #tcp: Server;
  readonly #udp: UdpSocket;

  private constructor(tcp: Server, udp: UdpSocket) {
    this.#tcp = tcp;
    this.#udp = udp;
  }

  static async start(): Promise<Canary> {
    const host = formatAddress(REAL);
    const tcp = createServer((socket) => socket.on('error', () => {}).destroy());
    const udp = createSocket('udp4');
    udp.on('message', (bytes, { port, address }) => udp.send(bytes, port, address, () => {}));
    await Promise.all([once(tcp.listen(0, host), 'listening'), once(udp.bind(0, host), 'listening')]);
    return new Canary(tcp, udp);
  }

  /** What must be in the tables for {@link Canary.findProblem}. */
  get entries(): ClaimedEntry[] {
    const of = (protocol: Protocol, port: number): ClaimedEntry => ({
      frontend: { address: VIRTUAL, port, protocol },
      backends: { ready: [{ address: REAL, port }], draining: [], affinitySeconds: 0 },
      claim: 'ClusterIP',
    });
    return [of('TCP', this.#tcpPort), of('UDP', this.#udp.address().port)];
  }

  get #tcpPort(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  /** Connects and sends to the Service. Returns what went wrong; undefined if sockets are served. */
  async findProblem(): Promise<string | undefined> {
    const host = formatAddress(VIRTUAL);
    const tries: [what: string, run: () => Promise<string>, want: string][] = [
      ['a TCP connection', () => this.#connect(host), host],
      ['a TCP connection of an IPv6 socket', () => this.#connect(`::ffff:${host}`), `::ffff:${host}`],
      ['an answer by UDP', () => this.#ask(host), host],
    ];
    for (const [what, run, want] of tries) {
      try {
        const peer = await run();
        if (peer !== want) return `${what} to a test Service of the agent shows ${peer} as its peer`;
      } catch (error) {
        // A kernel without IPv6 has no such sockets.
        if ((error as NodeJS.ErrnoException).code === 'EAFNOSUPPORT') continue;
        return `${what} to a test Service of the agent failed: ${errorText(error)}`;
      }
    }
    return undefined;
  }

  /** Returns the peer that the socket shows. */
  async #connect(host: string): Promise<string> {
    const socket = connect({ host, port: this.#tcpPort });
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(TIMEOUT_MS) });
      return socket.remoteAddress ?? 'none';
    } finally {
      socket.on('error', () => {}).destroy();
    }
  }

  /** Returns from where the answer came. */
  async #ask(host: string): Promise<string> {
    const socket = createSocket('udp4');
    try {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(TIMEOUT_MS) });
      socket.send('?', this.#udp.address().port, host);
      const [, from] = (await answer) as [Buffer, { address: string }];
      return from.address;
    } finally {
      socket.close();
    }
  }

  close(): void {
    this.#tcp.close();
    this.#udp.close();
  }
}
