// HTTP to any number of servers over connections that stay open: one request, its deadline, and its answer.

import * as http from 'node:http';
import * as https from 'node:https';
import { isOrbError, type OrbError } from '#base';

/** What TLS verifies and presents. The fields are PEM texts with the names of node:tls. */
export interface TlsIdentity {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface HttpRequest {
  /** Protocol, host and port; a path in it is put before {@link path}. */
  readonly server: URL;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, or undefined for no body. `contentType` is application/json by default. */
  readonly body?: unknown;
  readonly contentType?: string | undefined;
  /** Send again, once, if the server closes a kept connection before it answers: a repeat must do no harm. */
  readonly resend: boolean;
  /** Called when it is sent again: the server may have done it already. */
  readonly onResend?: () => void;
  /** The request and its answer end after this time. */
  readonly lifeMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The error where no complete answer comes. `said` says why. */
  readonly failed: (said: string, cause?: unknown) => OrbError;
}

/** The connections of one client. */
export class Connections {
  readonly #plain: http.Agent;
  readonly #secure: https.Agent;

  constructor(tls: TlsIdentity = {}) {
    // TCP keep-alive detects a peer that has vanished while a long answer is quiet.
    const options = { keepAlive: true, keepAliveMsecs: 15_000 };
    this.#plain = new http.Agent(options);
    this.#secure = new https.Agent({ ...options, ...tls });
  }

  /**
   * The answer, whatever its status; its body is still to be read. Rejects with `failed`, or with the signal's reason
   * if the caller stopped waiting.
   */
  async open(request: HttpRequest): Promise<http.IncomingMessage> {
    for (let first = true; ; first = false) {
      const sent = this.#start(request);
      try {
        return await answered(sent, request);
      } catch (error) {
        // A server may close an idle connection at the moment it is used.
        const repeatable = first && sent.reusedSocket && request.resend;
        if (!repeatable || request.signal?.aborted === true || !isReset(error)) throw error;
        request.onResend?.();
      }
    }
  }

  /** Closes all connections, idle or in use. */
  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #start(request: HttpRequest): http.ClientRequest {
    request.signal?.throwIfAborted();
    const { server, method, path, headers } = request;
    const secure = server.protocol === 'https:';
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const send = secure ? https.request : http.request;
    const sent = send({
      agent: secure ? this.#secure : this.#plain,
      // The URL has brackets around IPv6 hosts; connect does not accept them.
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port === '' ? (secure ? 443 : 80) : Number(server.port),
      method,
      path: server.pathname.replace(/\/$/, '') + path,
      headers: {
        accept: 'application/json',
        'user-agent': 'orbweaver',
        ...headers,
        ...(body !== undefined && {
          'content-type': request.contentType ?? 'application/json',
          'content-length': body.length,
        }),
      },
    });
    endWith(sent, request);
    sent.end(body);
    return sent;
  }
}

/** The complete body. Rejects if the answer ends in the middle, or if it is longer than `maximumBytes`. */
export function readBody(
  response: http.IncomingMessage,
  request: HttpRequest,
  maximumBytes = Number.POSITIVE_INFINITY,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maximumBytes) chunks.push(chunk);
      else response.destroy(request.failed(`the answer is longer than ${maximumBytes} bytes`));
    });
    response.once('end', () => resolve(Buffer.concat(chunks).toString()));
    response.once('error', (error) => reject(brokenOff(error, request)));
  });
}

/** The error for a failed connection: the signal's reason if the caller stopped waiting, else that of `failed`. */
export function brokenOff(error: unknown, { signal, failed }: HttpRequest): Error {
  if (signal?.aborted === true) return signal.reason as Error;
  if (isOrbError(error)) return error;
  return failed(error instanceof Error ? error.message : String(error), error);
}

/** Destroys the request when its time is over or its caller has stopped waiting. */
function endWith(sent: http.ClientRequest, { signal, lifeMs, failed }: HttpRequest): void {
  let stream: http.ClientRequest | http.IncomingMessage = sent;
  // Of an answer without a length, the end of the connection is the end. So the answer itself must be told.
  sent.once('response', (response) => {
    stream = response;
  });
  const timer = setTimeout(() => stream.destroy(failed(`no answer within ${lifeMs / 1000} s`)), lifeMs);
  const leave = () => stream.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', leave, { once: true });
  sent.once('close', () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
  });
}

function answered(sent: http.ClientRequest, request: HttpRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', (response) => {
      // Errors of the body are reported where it is read.
      sent.on('error', () => {});
      resolve(response);
    });
    sent.once('error', (error) => reject(brokenOff(error, request)));
    // Without this, the request would never end: node:http takes it for answered.
    sent.once('upgrade', (_, socket) => {
      socket.destroy();
      reject(request.failed('the answer, 101, leaves HTTP'));
    });
  });
}

function isReset(error: unknown): boolean {
  const cause = isOrbError(error) ? error.cause : error;
  return cause instanceof Error && 'code' in cause && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
}
