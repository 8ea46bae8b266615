// Asks the container runtime of the node in which folders it looks for CNI files, over its socket.

import { get } from 'node:http';
import { connect as connectHttp2, constants, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { foldersOfCrio, foldersOfStatus, type RuntimeFolders } from '#plan/installation';
import { readStatusInfo, statusRequest } from './status-message.ts';

const STATUS_PATH = '/runtime.v1.RuntimeService/Status';
/** A status has some 10 kB. */
const LARGEST_BYTES = 8 << 20;
/** Before each message: whether it is compressed, and its length (gRPC, "PROTOCOL-HTTP2", Length-Prefixed-Message). */
const PREFIX_BYTES = 5;

/**
 * Undefined if the runtime does not say it. Throws if it does not answer.
 *
 * @param socket path of the runtime's socket
 */
export async function askRuntime(socket: string, signal: AbortSignal): Promise<RuntimeFolders | undefined> {
  const info = readStatusInfo(await call(socket, STATUS_PATH, statusRequest, signal));
  return foldersOfStatus(info) ?? foldersOfCrio(await crioConfig(socket, signal));
}

/** One unary call of gRPC. Throws the server's own words. */
function call(socket: string, path: string, message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
    const end = (error: Error | undefined, answer: Uint8Array = new Uint8Array()) => {
      signal.removeEventListener('abort', abort);
      session.destroy();
      if (error === undefined) resolve(answer);
      // A stream without a connection tells that of it, and has the connection's error as its cause.
      else reject(error.cause ?? error);
    };
    const abort = () => end(new Error('the container runtime did not answer in time'));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) return abort();
    session.on('error', end);
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const parts: Buffer[] = [];
    let length = 0;
    let status: { code: string; words: string } | undefined;
    // A refusal without an answer has its status in the headers ("Trailers-Only").
    const read = (headers: IncomingHttpHeaders) => {
      const { 'grpc-status': code, 'grpc-message': words } = headers;
      if (code !== undefined) status = { code: [code].join(), words: [words ?? ''].join() };
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('error', end);
    stream.on('data', (part: Buffer) => {
      parts.push(part);
      length += part.length;
      if (length > LARGEST_BYTES) end(new Error('the container runtime answers without an end'));
    });
    stream.on('end', () => {
      if (status?.code === '0') end(undefined, Buffer.concat(parts).subarray(PREFIX_BYTES));
      else
        end(
          new Error(`the container runtime says: ${status?.words || `status ${status?.code ?? 'missing'}`}`),
        );
    });
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([prefix, message]));
  });
}

/** CRI-O's configuration (cri-o, server/inspect.go). Empty from other runtimes, which do not speak HTTP/1 on this socket. */
function crioConfig(socketPath: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ socketPath, path: '/config', signal }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > LARGEST_BYTES) request.destroy();
      });
      response.on('error', () => resolve(''));
      response.on('end', () => resolve(response.statusCode === 200 ? text : ''));
    });
    request.on('error', () => resolve(''));
  });
}
