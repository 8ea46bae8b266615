// One HTTP exchange with the API server: a deadline, its refusal, and the server's Retry-After.

import type { IncomingMessage } from 'node:http';
import { type Clock, OrbError } from '#base';
import { Connections, type HttpRequest, readBody } from '#http';
import type { KubeConfig } from './config.ts';
import { parseStatus, refusal } from './refusal.ts';

/** A request from the client. */
export interface Exchange {
  readonly method: HttpRequest['method'];
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

/** The open body of an answer, and the request that it answers. */
export interface OpenAnswer {
  readonly response: IncomingMessage;
  readonly request: HttpRequest;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** The longest Retry-After of a server that is obeyed. */
const RETRY_AFTER_MAXIMUM_MS = 10_000;

/** Sends requests to one server. */
export class Transport {
  readonly #config: KubeConfig;
  readonly #clock: Clock;
  readonly #connections: Connections;

  constructor(config: KubeConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#connections = new Connections(config.tls);
  }

  /** The JSON of a successful answer. Retries if the server asks for it and a repeat does no harm. */
  async call(exchange: Exchange): Promise<unknown> {
    const deadline = this.#clock.monotonic() + REQUEST_TIMEOUT_MS;
    for (;;) {
      const { response, request } = await this.#open(exchange, REQUEST_TIMEOUT_MS);
      const text = await readBody(response, request);
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
  async stream(exchange: Exchange, lifeMs: number): Promise<OpenAnswer> {
    const open = await this.#open(exchange, lifeMs);
    const status = open.response.statusCode ?? 0;
    if (status >= 200 && status < 300) return open;
    const text = await readBody(open.response, open.request);
    throw refusal(`${exchange.verb} ${exchange.subject}`, exchange.subject, status, parseStatus(text));
  }

  /** Closes all connections, idle or in use. */
  close(): void {
    this.#connections.close();
  }

  /** Sends once more if the token has ended and the file has another one: nothing was done for the first. */
  async #open(exchange: Exchange, lifeMs: number): Promise<OpenAnswer> {
    const authorization = this.#config.authorization();
    const answer = await this.#send(exchange, lifeMs, authorization);
    if (answer.response.statusCode !== 401) return answer;
    const renewed = this.#config.authorization(authorization);
    if (renewed === authorization) return answer;
    await readBody(answer.response, answer.request);
    return this.#send(exchange, lifeMs, renewed);
  }

  async #send(exchange: Exchange, lifeMs: number, authorization: string | undefined): Promise<OpenAnswer> {
    const { method, path, body, contentType, signal } = exchange;
    const request: HttpRequest = {
      server: this.#config.server,
      headers: { ...(authorization !== undefined && { authorization }) },
      // Without an answer, a repeat of these does no harm.
      resend: ['GET', 'PUT', 'DELETE'].includes(method),
      lifeMs,
      failed: (said, cause) => unreachable(exchange, said, cause),
      ...{ method, path, body, contentType, signal },
    };
    return { response: await this.#connections.open(request), request };
  }
}

function unreachable({ verb, subject }: Exchange, said: string, cause?: unknown): OrbError {
  const message = `cannot ${verb} ${subject}: the API server does not answer`;
  return new OrbError('KUBE_UNREACHABLE', {
    message,
    subject,
    said,
    ...(cause !== undefined && { cause }),
  });
}

/** How long to wait before `exchange` is sent again; undefined if it must not be repeated. */
function retryAfterMs(response: IncomingMessage, exchange: Exchange): number | undefined {
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
