// The process whose sockets a test looks at: it serves and asks as it is told by messages from its parent.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { endProgram } from '#program';

/** Who answered, and whom the program believes to speak with: `address:port`. */
export interface Answer {
  readonly backend: string;
  readonly peer: string;
}

/** A call that the kernel refused: its errno. */
export interface Refused {
  readonly error: string;
}

const label = (host: string, port: number) => `${host}:${port}`;
let isStopped = false;
const sockets = new Map<string, UdpSocket>();
let many: UdpSocket[] = [];

const calls = {
  /** A TCP server and a UDP server that answer with their own place. */
  async serve(host: string, port: number): Promise<void> {
    const server = createServer((socket) => socket.on('error', () => {}).end(label(host, port)));
    await once(server.listen(port, host), 'listening');
    const udp = createSocket(host.includes(':') ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
    udp.on('message', (_, from) => udp.send(label(host, port), from.port, from.address));
    udp.bind(port, host);
    await once(udp, 'listening');
  },

  /** A name server by UDP and TCP, for which every name has one address. It cuts off what it says by UDP of names with `long`. */
  async serveNames(host: string, port: number, address: string): Promise<void> {
    const server = createServer((socket) => {
      let unread: Buffer = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        unread = Buffer.concat([unread, bytes]);
        // A resolver may send both questions of a name at once, each behind its length.
        while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
          const end = 2 + unread.readUInt16BE(0);
          const said = nameAnswer(unread.subarray(2, end), address, false);
          const length = Buffer.alloc(2);
          length.writeUInt16BE(said.length);
          socket.write(Buffer.concat([length, said]));
          unread = unread.subarray(end);
        }
      });
    });
    await once(server.listen(port, host), 'listening');
    const udp = createSocket('udp4');
    udp.on('message', (bytes, from) => {
      udp.send(nameAnswer(bytes, address, bytes.includes('long')), from.port, from.address);
    });
    udp.bind(port, host);
    await once(udp, 'listening');
  },

  async tcp(host: string, port: number): Promise<Answer> {
    const socket = connect({ host, port });
    await once(socket, 'connect');
    const peer = label(socket.remoteAddress ?? '', socket.remotePort ?? 0);
    return { backend: await text(socket), peer };
  },

  /** So many connections, a few at once; by the place that answered, how often it did. Failures count by their errno. */
  async manyTcp(host: string, port: number, count: number): Promise<Record<string, number>> {
    const seen: Record<string, number> = {};
    isStopped = false;
    let left = count;
    const work = async () => {
      while (left-- > 0 && !isStopped) {
        const said = await calls.tcp(host, port).then(({ backend }) => backend, errnoOf);
        seen[said] = (seen[said] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    return seen;
  },

  /** Ends {@link calls.manyTcp} early. */
  async stop(): Promise<void> {
    isStopped = true;
  },

  /** A UDP socket by a name, for {@link calls.send} and {@link calls.connectUdp}. */
  async open(name: string, family: 4 | 6): Promise<void> {
    const socket = createSocket({ type: `udp${family}` });
    socket.bind(0);
    await once(socket, 'listening');
    sockets.set(name, socket);
  },

  /** connect(2) of a UDP socket. */
  async connectUdp(name: string, host: string, port: number): Promise<string> {
    const socket = socketOf(name);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(port, host, () => resolve());
    });
    const { address, port: peerPort } = socket.remoteAddress();
    return label(address, peerPort);
  },

  /** Opens and connects so many UDP sockets, until {@link calls.closeMany}. How often it ended with `connected` or an errno. */
  async connectMany(host: string, port: number, count: number): Promise<Record<string, number>> {
    many = Array.from({ length: count }, () => createSocket('udp4'));
    const connecting = many.map((socket) => once(socket, 'connect').then(() => 'connected', errnoOf));
    for (const socket of many) socket.connect(port, host);
    const seen: Record<string, number> = {};
    for (const said of await Promise.all(connecting)) seen[said] = (seen[said] ?? 0) + 1;
    return seen;
  },

  async closeMany(): Promise<void> {
    for (const socket of many) socket.close();
    many = [];
  },

  /** connect(2) with AF_UNSPEC. */
  async disconnectUdp(name: string): Promise<void> {
    socketOf(name).disconnect();
  },

  /** The errno that a program gets that waits on the socket. */
  async failure(name: string): Promise<string> {
    const [error] = (await once(socketOf(name), 'error')) as [Error];
    return errnoOf(error);
  },

  async close(name: string): Promise<void> {
    socketOf(name).close();
    sockets.delete(name);
  },

  /** Sends, and waits for the answer. The peer is where the answer says that it comes from. */
  async send(name: string, host?: string, port?: number): Promise<Answer> {
    const socket = socketOf(name);
    const answer = once(socket, 'message') as Promise<[Buffer, { address: string; port: number }]>;
    await new Promise<void>((resolve, reject) => {
      const done = (error: Error | null) => (error === null ? resolve() : reject(error));
      if (host === undefined || port === undefined) socket.send('?', done);
      else socket.send('?', port, host, done);
    });
    const [bytes, from] = await answer;
    return { backend: bytes.toString(), peer: label(from.address, from.port) };
  },
};

/** RFC 1035, section 4: the question again, and one record for an A question that is not cut off. */
function nameAnswer(question: Buffer, address: string, isCutOff: boolean): Buffer {
  const end = question.indexOf(0, 12) + 5;
  const isForIpv4 = question.readUInt16BE(end - 4) === 1;
  const hasRecord = isForIpv4 && !isCutOff;
  const header = Buffer.alloc(12);
  question.copy(header, 0, 0, 2);
  header.writeUInt16BE(isCutOff ? 0x83_80 : 0x81_80, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(hasRecord ? 1 : 0, 6);
  const record = [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)];
  return Buffer.concat([header, question.subarray(12, end), Buffer.from(hasRecord ? record : [])]);
}

function socketOf(name: string): UdpSocket {
  const socket = sockets.get(name);
  if (socket === undefined) throw new Error(`no socket ${name}`);
  return socket;
}

const errnoOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error);

export type Calls = typeof calls;

/** A message of the parent. */
export interface Call {
  readonly id: number;
  readonly name: keyof Calls;
  readonly args: readonly unknown[];
}

/** The answer to it. */
export interface Returned {
  readonly id: number;
  readonly value?: unknown;
  /** The errno of a call that failed. */
  readonly error?: string;
}

async function answer({ id, name, args }: Call): Promise<void> {
  const run = calls[name] as (...args: readonly unknown[]) => Promise<unknown>;
  const returned: Returned = await run(...args).then(
    (value) => ({ id, value }),
    (error: unknown) => ({ id, error: errnoOf(error) }),
  );
  process.send?.(returned);
}

process.on('message', (call: Call) => void answer(call));
process.on('disconnect', () => void endProgram(0));
process.send?.('ready');
