// A process in a network namespace that serves and asks, as it is told by messages from its parent.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { endProgram } from '#program';

const PATIENCE_MS = 3_000;
const servers: { close(): void }[] = [];
let kept: UdpSocket | undefined;

const calls = {
  /** TCP and UDP, IPv4 and IPv6: answers with the name and the address that it saw. */
  async serve(name: string, port: number): Promise<void> {
    const said = (address = '') => `${name} ${address.replace('::ffff:', '')}`;
    const server = createServer((socket) => socket.on('error', () => {}).end(said(socket.remoteAddress)));
    await once(server.listen(port, '::'), 'listening');
    const udp = createSocket({ type: 'udp6', ipv6Only: false });
    udp.on('message', (_, from) => udp.send(said(from.address), from.port, from.address));
    udp.bind(port, '::');
    await once(udp, 'listening');
    servers.push(server, udp);
  },

  /** Ends what `serve` has begun. */
  stop(): void {
    for (const server of servers.splice(0)) server.close();
  },

  /** What the server says, or the errno; `silence` if nothing comes. */
  async tcp(host: string, port: number): Promise<string> {
    const socket = connect({ host, port });
    const late = setTimeout(
      () => socket.destroy(Object.assign(new Error(), { code: 'silence' })),
      PATIENCE_MS,
    );
    try {
      return await text(socket);
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    } finally {
      clearTimeout(late);
    }
  },

  /** The same by UDP, from the same port each time, so that it is one flow of the kernel. */
  async udp(host: string, port: number): Promise<string> {
    kept ??= createSocket({ type: 'udp6', ipv6Only: false });
    const socket = kept;
    const isV4 = !host.includes(':');
    for (let tries = 0; tries < 3; tries++) {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(500) });
      socket.send('?', port, isV4 ? `::ffff:${host}` : host);
      try {
        const [bytes] = (await answer) as [Buffer];
        return bytes.toString();
      } catch (error) {
        if ((error as Error).name !== 'AbortError') return String((error as NodeJS.ErrnoException).code);
      }
    }
    return 'silence';
  },
};

export type Calls = typeof calls;

export interface Call {
  readonly id: number;
  readonly name: keyof Calls;
  readonly args: readonly unknown[];
}

export interface Returned {
  readonly id: number;
  readonly value?: unknown;
}

async function answer({ id, name, args }: Call): Promise<void> {
  const work = calls[name] as (...args: readonly unknown[]) => unknown;
  process.send?.({ id, value: await work(...args) } satisfies Returned);
}

process.on('message', (call: Call) => void answer(call));
process.on('disconnect', () => void endProgram(0));
process.send?.('ready');
