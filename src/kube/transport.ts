// One HTTP exchange with the API server: keep-alive connections, a deadline, and the server's Retry-After.

import * as http from 'node:http';
import * as https from 'node:https';
import { type Clock, isOrbError, OrbError } from '#base';
import type { KubeConfig } from './config.ts';
import { parseStatus, refusal } from './refusal.ts';

/** A request from the client. */
export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  /** For messages: "update". */
  readonly verb: string;
  /** For messages: "SpiderIPPool v4". */
  readonly subject: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** The longest Retry-After of a server that is obeyed. */
const RETRY_AFTER_MAXIMUM_MS = 10_000;

/** Sends requests to one server over connections that stay open. */
export class Transport {
  readonly #config: KubeConfig;
  readonly #clock: Clock;
  readonly #agent: http.Agent;
  readonly #send: typeof http.request;

  constructor(config: KubeConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    const secure = config.server.protocol === 'https:';
    // TCP keep-alive detects a peer that has vanished while a watch is quiet.
    const agentOptions = { keepAlive: true, keepAliveMsecs: 15_000 };
    this.#agent = secure ? new https.Agent({ ...agentOptions, ...config.tls }) : new http.Agent(agentOptions);
    this.#send = secure ? https.request : http.request;
  }

  /** The JSON of a successful answer. Retries if the server asks for it and a repeat does no harm. */
  async call(exchange: Exchange): Promise<unknown> {
    const deadline = this.#clock.monotonic() + REQUEST_TIMEOUT_MS;
    for (;;) {
      const response = await this.#open(exchange, REQUEST_TIMEOUT_MS);
      const text = await readBody(response, exchange);
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return text === '' ? {} : parseJson(text, exchange);
      const waitMs = retryAfterMs(response, exchange);
      if (waitMs === undefined || this.#clock.monotonic() + waitMs > deadline) {
        throw refusal(`${exchange.verb} ${exchange.subject}`, exchange.subject, status, parseStatus(text));
      }
      await this.#clock.sleep(waitMs, exchange.signal);
    }
  }

  /** The open body of a successful answer, for at most `lifeMs`. */
  async stream(exchange: Exchange, lifeMs: number): Promise<http.IncomingMessage> {
    const response = await this.#open(exchange, lifeMs);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const text = await readBody(response, exchange);
    throw refusal(`${exchange.verb} ${exchange.subject}`, exchange.subject, status, parseStatus(text));
  }

  /** Closes all connections, idle or in use. */
  close(): void {
    this.#agent.destroy();
  }

  async #open(exchange: Exchange, lifeMs: number): Promise<http.IncomingMessage> {
    for (let first = true; ; first = false) {
      const request = this.#start(exchange, lifeMs);
      try {
        return await answered(request, exchange);
      } catch (error) {
        // A server may close an idle connection at the moment it is used. Without an answer, a repeat does no harm.
        const repeatable =
          first && request.reusedSocket && ['GET', 'PUT', 'DELETE'].includes(exchange.method);
        if (!repeatable || exchange.signal?.aborted === true || !isReset(error)) throw error;
      }
    }
  }

  #start(exchange: Exchange, lifeMs: number): http.ClientRequest {
    exchange.signal?.throwIfAborted();
    const { server } = this.#config;
    const body = exchange.body === undefined ? undefined : Buffer.from(JSON.stringify(exchange.body));
    const authorization = this.#config.authorization();
    const request = this.#send({
      agent: this.#agent,
      // The URL has brackets around IPv6 hosts; connect does not accept them.
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port === '' ? (server.protocol === 'https:' ? 443 : 80) : Number(server.port),
      method: exchange.method,
      path: server.pathname.replace(/\/$/, '') + exchange.path,
      headers: {
        accept: 'application/json',
        'user-agent': 'orbweaver',
        ...(authorization !== undefined && { authorization }),
        ...(body !== undefined && {
          'content-type': exchange.contentType ?? 'application/json',
          'content-length': body.length,
        }),
      },
    });
    endWith(request, exchange, lifeMs);
    request.end(body);
    return request;
  }
}

/** Destroys the request when its time is over or its caller has stopped waiting. */
function endWith(request: http.ClientRequest, { signal, verb, subject }: Exchange, lifeMs: number): void {
  const timer = setTimeout(
    () => request.destroy(unreachable(verb, subject, `no answer within ${lifeMs / 1000} s`)),
    lifeMs,
  );
  const leave = () => request.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', leave, { once: true });
  request.once('close', () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
  });
}

function answered(request: http.ClientRequest, exchange: Exchange): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', (response) => {
      // Errors of the body are reported where it is read.
      request.on('error', () => {});
      resolve(response);
    });
    request.once('error', (error) => reject(brokenOff(error, exchange)));
  });
}

/** The complete body. Rejects if the answer ends in the middle. */
function readBody(response: http.IncomingMessage, exchange: Exchange): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('end', () => resolve(Buffer.concat(chunks).toString()));
    response.once('error', (error) => reject(brokenOff(error, exchange)));
  });
}

/** The error for a failed connection: the signal's reason if the caller stopped waiting, else KUBE_UNREACHABLE. */
export function brokenOff(error: unknown, { signal, verb, subject }: Exchange): Error {
  if (signal?.aborted === true) return signal.reason as Error;
  if (isOrbError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  return unreachable(verb, subject, text, error);
}

function unreachable(verb: string, subject: string, said: string, cause?: unknown): OrbError {
  const message = `cannot ${verb} ${subject}: the API server does not answer`;
  return new OrbError('KUBE_UNREACHABLE', {
    message,
    subject,
    said,
    ...(cause !== undefined && { cause }),
  });
}

function isReset(error: unknown): boolean {
  const cause = error instanceof OrbError ? error.cause : error;
  return cause instanceof Error && 'code' in cause && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
}

/** How long to wait before `exchange` is sent again; undefined if it must not be repeated. */
function retryAfterMs(response: http.IncomingMessage, exchange: Exchange): number | undefined {
  const status = response.statusCode ?? 0;
  const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
  // 429 is a refusal before anything was done (API priority and fairness). After a 5xx, only a read may be repeated
  // without a check.
  const harmless = status === 429 ? exchange.method !== 'POST' : status >= 500 && exchange.method === 'GET';
  return harmless && Number.isFinite(seconds) ? Math.min(seconds * 1000, RETRY_AFTER_MAXIMUM_MS) : undefined;
}

function parseJson(text: string, { verb, subject }: Exchange): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = `the API server's answer to ${verb} ${subject} is not JSON`;
    throw new OrbError('KUBE_MALFORMED', { message, subject, cause: error });
  }
}
