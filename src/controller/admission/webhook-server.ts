// The HTTPS server of the webhooks. Everyone in the cluster can reach it, so nothing that a client does may block or end it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { errorText, isOrbError, type Logger } from '#base';
import type { Certificate } from '#program';
import { ConnectionShares } from '../connection-shares.ts';
import { type ReviewAnswer, type ReviewRequest, readReview, reviewText } from './review.ts';

/** Object and old object, each with the 1.5 MiB that etcd stores at most. */
const LONGEST_BODY_BYTES = 4 * 1024 * 1024;
/** Of all requests together that are read or answered. */
const MOST_HELD_BYTES = 64 * 1024 * 1024;
const MOST_CONNECTIONS = 1000;
/** The API server waits 10 s by default. */
const REQUEST_MS = 10_000;

/** Answers one request, in time by itself. */
export type Reviewer = (request: ReviewRequest) => ReviewAnswer | Promise<ReviewAnswer>;

export interface WebhookServerOptions {
  readonly log: Logger;
  /** By path. */
  readonly reviewers: ReadonlyMap<string, Reviewer>;
  /** Why nothing can be judged yet. The failurePolicy of the webhook decides then. */
  readonly unready?: () => string | undefined;
  /** How long a client may take to send a request. Default 10 s. */
  readonly requestMs?: number;
  /** Default 1000. Beyond that, the address that holds the most loses one. */
  readonly mostConnections?: number;
}

/** A refusal that is said by the status of HTTP. */
class HttpRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class WebhookServer {
  readonly #options: WebhookServerOptions;
  readonly #server: Server;
  readonly #shares: ConnectionShares;
  #heldBytes = 0;

  constructor(options: WebhookServerOptions) {
    this.#options = options;
    const { requestMs = REQUEST_MS, mostConnections = MOST_CONNECTIONS } = options;
    const limits = {
      requestTimeout: requestMs,
      headersTimeout: requestMs,
      handshakeTimeout: requestMs,
      connectionsCheckingInterval: Math.min(requestMs, 1000),
    };
    this.#shares = new ConnectionShares(mostConnections);
    this.#server = createServer({ minVersion: 'TLSv1.2', ...limits }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on('connection', (socket) => this.#shares.add(socket as Socket));
    // A client that is no TLS client, or does not know our authority. Node has closed the connection.
    this.#server.on('tlsClientError', (error) =>
      options.log.debug({ error: errorText(error) }, 'a TLS handshake with the webhooks failed'),
    );
  }

  /** What is shown from now on. Connections that are open stay. */
  show({ key, certificate }: Certificate): void {
    this.#server.setSecureContext({ key, cert: certificate, minVersion: 'TLSv1.2' });
  }

  /** Resolves with the port. 0 picks a free one. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers what is under way, and ends. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
      setTimeout(() => this.#shares.closeAll(), 1000).unref();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let status = 200;
    let text: string;
    const endOfUse = this.#shares.use(request.socket);
    response.once('close', endOfUse);
    try {
      text = await this.#answer(request);
    } catch (error) {
      status = error instanceof HttpRefusal ? error.status : isOrbError(error, 'INPUT_INVALID') ? 400 : 500;
      text = errorText(error);
      const { log } = this.#options;
      if (status === 500) log.error({ path: request.url, err: error }, 'a review failed by a bug');
      else log.debug({ path: request.url, status, error: text }, 'a request to the webhooks was refused');
      // The rest of a body that was not read must not be taken as the next request.
      response.setHeader('connection', 'close');
    }
    const type = status === 200 && request.method === 'POST' ? 'application/json' : 'text/plain';
    response.writeHead(status, { 'content-type': type });
    response.end(text);
  }

  async #answer(request: IncomingMessage): Promise<string> {
    const path = request.url?.split('?')[0] ?? '';
    // Spiderpool's own path.
    if (path === '/webhook-health-check') return 'ok\n';
    const reviewer = this.#options.reviewers.get(path);
    if (reviewer === undefined) throw new HttpRefusal(404, 'no webhook has this path');
    if (request.method !== 'POST') throw new HttpRefusal(405, 'POST only');
    const type = request.headers['content-type'] ?? '';
    if (!/^application\/json(;|$)/i.test(type)) throw new HttpRefusal(415, 'application/json only');
    const reason = this.#options.unready?.();
    if (reason !== undefined) throw new HttpRefusal(503, reason);
    const body = await this.#body(request);
    try {
      const review = readReview(body.toString());
      return reviewText(review.uid, await reviewer(review));
    } finally {
      this.#heldBytes -= body.length;
    }
  }

  /** Its bytes count as held until they are given back. */
  #body(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    return new Promise((resolve, reject) => {
      const refuse = (status: number, message: string) => {
        this.#heldBytes -= length;
        length = 0;
        // The rest is read and forgotten, in the time of a request. A client that still sends would not read the answer.
        request.removeAllListeners('data').removeAllListeners('end').resume();
        const end = () => reject(new HttpRefusal(status, message));
        request.once('end', end).once('close', end);
      };
      request.on('data', (chunk: Buffer) => {
        length += chunk.length;
        this.#heldBytes += chunk.length;
        chunks.push(chunk);
        if (length > LONGEST_BODY_BYTES) refuse(413, `a review has at most ${LONGEST_BODY_BYTES} bytes`);
        else if (this.#heldBytes > MOST_HELD_BYTES) refuse(503, 'too many reviews at once');
      });
      request.on('end', () => resolve(Buffer.concat(chunks)));
      request.on('error', (error) => refuse(408, `the request broke off: ${errorText(error)}`));
    });
  }
}
