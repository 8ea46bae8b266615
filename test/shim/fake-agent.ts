// A stand-in for the agent: takes a request frame and answers with exactly the bytes a test wants.

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

const header = Buffer.from('OWCNI 1\n');

/** A frame of the protocol between shim and agent. */
export function encodeFrame(fields: Readonly<Record<string, string | Buffer>>): Buffer {
  const parts: Buffer[] = [header];
  for (const [name, text] of Object.entries({ ...fields, end: '' })) {
    const value = Buffer.from(text as string);
    parts.push(Buffer.from(`${name} ${value.length}\n`), value, Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}

/** The fields of a whole frame; undefined while bytes are missing. */
export function decodeFrame(bytes: Buffer): Map<string, Buffer> | undefined {
  if (bytes.length < header.length) return undefined;
  if (!bytes.subarray(0, header.length).equals(header)) throw new Error('not a frame of protocol 1');
  const fields = new Map<string, Buffer>();
  for (let at = header.length; ; ) {
    const newline = bytes.indexOf(0x0a, at);
    if (newline < 0) return undefined;
    const [, name = '', length = ''] =
      /^([a-zA-Z0-9_:.-]+) ([0-9]+)$/.exec(bytes.toString('latin1', at, newline)) ?? [];
    if (name === '') throw new Error('a field without name and length');
    const end = newline + 1 + Number(length);
    if (end >= bytes.length) return undefined;
    if (bytes[end] !== 0x0a) throw new Error(`field ${name} is longer than its length says`);
    if (name === 'end') return fields;
    fields.set(name, bytes.subarray(newline + 1, end));
    at = end + 1;
  }
}

/** What the fake does with a request; it may write whatever it likes to the socket, or nothing. */
export type Answerer = (socket: Socket, request: Map<string, Buffer>) => void;

/** Answers every request with the same fields. */
export function always(fields: Readonly<Record<string, string | Buffer>>): Answerer {
  return (socket) => {
    socket.end(encodeFrame(fields));
  };
}

/** A listening fake agent. */
export interface FakeAgent extends AsyncDisposable {
  readonly requests: Map<string, Buffer>[];
}

/** Starts a fake agent on a socket path. */
export async function startFakeAgent(path: string, answer: Answerer): Promise<FakeAgent> {
  const requests: Map<string, Buffer>[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    let received: Buffer = Buffer.alloc(0);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A shim that was killed or gave up: nothing to do for a fake.
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const request = decodeFrame(received);
      if (request === undefined) return;
      requests.push(request);
      answer(socket, request);
    });
    socket.on('end', () => socket.end());
  });
  rmSync(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  return {
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
