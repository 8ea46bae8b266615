// The agent's unix socket: one request and one answer per connection. Only root may connect.

import { chmod, mkdir, readdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { errorText, type Logger, OrbError } from '#base';
import { answerFrame, type CniAnswer, type CniRequest, FrameReader, readRequest } from '#cni';

/** Serves one request. The signal aborts when the shim has disconnected. */
export type Serve = (request: CniRequest, callerGone: AbortSignal) => Promise<CniAnswer>;

/** The user id of the peer of a connection (unix(7), SO_PEERCRED). */
export type PeerUid = (socket: Socket) => number;

/** A shim sends its request at once. A connection without a complete request is closed after this time. */
const REQUEST_TIMEOUT_MS = 10_000;

/** A shim reads its answer at once. The agent closes the connection of a stopped shim after this time. */
const ANSWER_TIMEOUT_MS = 5_000;

/** Listens on a socket that only root can reach, and checks that the peer is root. */
export class ConnectionServer {
  readonly #server: Server;
  readonly #serve: Serve;
  readonly #peerUid: PeerUid;
  readonly #log: Logger;
  /** Connections whose request is not complete yet. */
  readonly #silent = new Set<Socket>();

  constructor(serve: Serve, peerUid: PeerUid, log: Logger) {
    this.#serve = serve;
    this.#peerUid = peerUid;
    this.#log = log;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /**
   * Starts to listen at `path`. Replaces a socket file that no process serves any more.
   * @throws OrbError AGENT_SOCKET_TAKEN when another agent answers there
   */
  async listen(path: string): Promise<void> {
    const folder = dirname(path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // The mode of a shared folder, such as /run, stays as it is. There, the socket's mode and the peer check protect
    // the socket.
    const ours = (await readdir(folder)).every((name) => name === basename(path));
    if (ours) await chmod(folder, 0o700);
    if (await answers(path)) {
      throw new OrbError('AGENT_SOCKET_TAKEN', {
        message: 'another agent serves this socket',
        subject: path,
      });
    }
    await unlink(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    // The folder keeps others out until the socket has its own mode.
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ path, backlog: 511 }, resolve);
    });
    this.#server.removeAllListeners('error');
    // A connection that cannot be accepted, for example for lack of file descriptors, must not end the others.
    this.#server.on('error', (error) =>
      this.#log.error({ err: error }, 'the agent could not accept a connection'),
    );
    await chmod(path, 0o600);
  }

  /** Accepts no more connections. Resolves when the last request has its answer. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#silent) socket.destroy();
    return closed;
  }

  #accept(socket: Socket): void {
    const gone = new AbortController();
    const reader = new FrameReader();
    const refuse = (why: string) => {
      this.#log.warn({ why }, 'connection refused');
      socket.destroy();
    };
    socket.setTimeout(REQUEST_TIMEOUT_MS, () => refuse('the request was not complete in time'));
    socket.on('error', (error) => gone.abort(error));
    socket.on('close', () => {
      this.#silent.delete(socket);
      gone.abort(new OrbError('DEADLINE_PASSED', { message: 'the caller has left' }));
    });
    const uid = this.#peerUid(socket);
    if (uid !== 0) {
      refuse(`the peer runs as uid ${uid}, not as root`);
      return;
    }
    this.#silent.add(socket);
    socket.on('data', (chunk) => {
      try {
        const frame = reader.push(chunk);
        if (frame === undefined) return;
        const request = readRequest(frame);
        this.#silent.delete(socket);
        socket.setTimeout(0);
        socket.removeAllListeners('data');
        // The agent keeps reading to notice when the caller disconnects.
        socket.resume();
        void this.#answer(socket, request, gone.signal);
      } catch (error) {
        refuse(errorText(error));
      }
    });
  }

  /** If this answer fails, its caller sees the connection end. Other requests continue. */
  async #answer(socket: Socket, request: CniRequest, callerGone: AbortSignal): Promise<void> {
    try {
      const answer = await this.#serve(request, callerGone);
      if (socket.destroyed) return;
      // The kernel now holds the answer for the shim. The agent does not wait for a stopped shim to close the
      // connection.
      socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
      socket.write(answerFrame(answer), () => socket.destroy());
    } catch (error) {
      this.#log.error(
        { request: request.id, type: request.type, err: error },
        'a request ended without an answer',
      );
      socket.destroy();
    }
  }
}

/** Whether a process accepts connections at `path`. A full backlog also counts as one (EAGAIN, unix(7)). */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EAGAIN'));
  });
}
