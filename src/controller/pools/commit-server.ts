// The HTTPS server by which agents ask the leader to write pools, and are asked about sandboxes. Everyone in the cluster can
// reach it, so nothing that a client does may block or end it.

import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
  constants as http2,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { errorText, isOrbError, type Logger } from '#base';
import {
  ANSWERS_PATH,
  answerText,
  askedText,
  COMMIT_PATH,
  type CommitAnswer,
  type CommitRequest,
  MAXIMUM_COMMIT_BYTES,
  QUESTION_PATH,
  readAnswers,
  readQuestion,
  readRequest,
  sandboxText,
} from '#pools';
import { ConnectionShares } from '../connection-shares.ts';
import type { AgentIdentity, AgentTokens } from './agent-tokens.ts';
import type { NodeQuestions } from './node-questions.ts';

/** Where to listen: a port, or a descriptor that already listens, e.g. in another network namespace. */
export type ListenAt = { readonly port: number } | { readonly fd: number };

/** Performs an operation on the pool of that name. */
export type Commit = (pool: string, request: CommitRequest, signal: AbortSignal) => Promise<CommitAnswer>;

export interface CommitServerOptions {
  readonly log: Logger;
  readonly tokens: AgentTokens;
  readonly questions: NodeQuestions;
  readonly certificate: { readonly key: string; readonly certificate: string };
  /** How long a client may take to send a request, and its first token. Default 5 s. */
  readonly requestMs?: number;
  /** Default 10 000. */
  readonly mostConnections?: number;
}

/** Each agent has one. Beyond that, the address that holds the most loses one. */
const MOST_CONNECTIONS = 10_000;
/** A connection without a request is closed after so long. */
const IDLE_MS = 600_000;
/** An agent waits for 5 s and then writes by itself. */
const REQUEST_MS = 5000;
/** Requests that wait at one time. More are refused, and the agent writes by itself. */
const MOST_WAITING = 20_000;

interface Stranger {
  /** Closes the connection. */
  readonly timer: NodeJS.Timeout;
  /** Those of its server. */
  readonly shares: ConnectionShares;
}

/** Ends a request with this HTTP status. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class CommitServer {
  readonly #options: CommitServerOptions;
  readonly #servers: { readonly server: Http2SecureServer; readonly shares: ConnectionShares }[] = [];
  readonly #sessions = new Set<Http2Session>();
  /** Connections that have shown no agent's token yet. */
  readonly #strangers = new Map<Http2Session, Stranger>();
  /** Connections by which a pool was written lately, each with the timer that forgets it. */
  readonly #writers = new Map<Http2Session, NodeJS.Timeout>();
  #commit: Commit | undefined;
  #waiting = 0;

  constructor(options: CommitServerOptions) {
    this.#options = options;
  }

  /** Resolves with the port. 0 picks a free one. Can be called for several places. */
  async listen(at: ListenAt): Promise<number> {
    const { certificate, log, requestMs = REQUEST_MS, mostConnections = MOST_CONNECTIONS } = this.#options;
    const { key, certificate: cert } = certificate;
    const tls = { key, cert, minVersion: 'TLSv1.2', handshakeTimeout: requestMs } as const;
    const shares = new ConnectionShares(mostConnections);
    const server = createSecureServer(tls, (request, response) => void this.#serve(request, response));
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.setTimeout(IDLE_MS, () => session.close());
      // Twice the time: the review of its first token may take as long as its request.
      const timer = setTimeout(() => session.destroy(), 2 * requestMs);
      this.#strangers.set(session, { timer, shares });
      session.once('close', () => {
        this.#sessions.delete(session);
        this.#trust(session);
        this.#forgetWriter(session);
      });
    });
    server.on('connection', (socket) => shares.add(socket));
    server.on('tlsClientError', (error) =>
      log.debug({ error: errorText(error) }, 'a TLS handshake of an agent failed'),
    );
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(at, resolve);
    });
    this.#servers.push({ server, shares });
    return (server.address() as AddressInfo).port;
  }

  /**
   * Serves until the signal aborts. Then all connections are closed, so that agents look for the next leader. Without a
   * leader's `commit`, agents are refused.
   */
  serve(commit: Commit, signal: AbortSignal): void {
    this.#commit = commit;
    signal.addEventListener('abort', () => {
      if (this.#commit !== commit) return;
      this.#commit = undefined;
      this.#options.questions.clear();
      this.#disconnect();
    });
  }

  /** How many agents had pools written in the last ten minutes. Others are connected too, and wait for questions. */
  get agents(): number {
    return this.#writers.size;
  }

  #trust(session: Http2Session): void {
    const stranger = this.#strangers.get(session);
    if (stranger === undefined) return;
    clearTimeout(stranger.timer);
    this.#strangers.delete(session);
    // Until it closes.
    if (!session.destroyed) stranger.shares.use(session.socket);
  }

  #countWriter(session: Http2Session | undefined): void {
    if (session === undefined || !this.#sessions.has(session)) return;
    const known = this.#writers.get(session);
    const timer = known?.refresh() ?? setTimeout(() => this.#forgetWriter(session), IDLE_MS).unref();
    this.#writers.set(session, timer);
  }

  #forgetWriter(session: Http2Session): void {
    clearTimeout(this.#writers.get(session));
    this.#writers.delete(session);
  }

  stop(): void {
    for (const { server, shares } of this.#servers) {
      server.close();
      shares.closeAll();
    }
    this.#disconnect();
  }

  #disconnect(): void {
    for (const session of this.#sessions) session.destroy();
  }

  async #serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('the agent has closed the connection')));
    this.#waiting += 1;
    try {
      const text = await this.#answer(request, gone.signal);
      response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    } catch (error) {
      if (!gone.signal.aborted) this.#refuse(request, response, error);
    } finally {
      this.#waiting -= 1;
    }
  }

  async #answer(request: Http2ServerRequest, signal: AbortSignal): Promise<string> {
    const commit = this.#commit;
    if (commit === undefined) throw new Refusal(503, 'this controller does not lead');
    if (this.#waiting > MOST_WAITING) throw new Refusal(503, 'too many requests wait');
    const service = serviceOf(request);
    const agent = await this.#agent(request, signal);
    if (request.stream.session !== undefined) this.#trust(request.stream.session);
    const body = await this.#body(request);
    switch (service) {
      case 'answers':
        return this.#exchange(agent, body, signal);
      case 'question': {
        const { node, podUid } = readable(readQuestion(body));
        return sandboxText(await this.#options.questions.ask(node, podUid));
      }
      default:
        this.#countWriter(request.stream.session);
        return answerText(await commit(service.pool, readable(readRequest(body)), signal));
    }
  }

  async #agent({ headers }: Http2ServerRequest, signal: AbortSignal): Promise<AgentIdentity> {
    const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];
    const agent = token === undefined ? undefined : await this.#options.tokens.agentOf(token, signal);
    if (agent === undefined) throw new Refusal(401, 'the token is not that of an agent');
    return agent;
  }

  /** The node is that of the token, whatever the agent says. */
  async #exchange({ node }: AgentIdentity, body: string, signal: AbortSignal): Promise<string> {
    if (node === undefined) throw new Refusal(403, 'the token is bound to no node');
    return askedText(await this.#options.questions.exchange(node, readable(readAnswers(body)), signal));
  }

  async #body(request: Http2ServerRequest): Promise<string> {
    const { requestMs = REQUEST_MS } = this.#options;
    const late = setTimeout(() => request.stream.close(http2.NGHTTP2_CANCEL), requestMs);
    try {
      return await bodyOf(request);
    } finally {
      clearTimeout(late);
    }
  }

  #refuse(request: Http2ServerRequest, response: Http2ServerResponse, error: unknown): void {
    const { log } = this.#options;
    const status = error instanceof Refusal ? error.status : isOrbError(error) ? 502 : 500;
    const fields = { path: request.url, status, error: errorText(error) };
    if (status === 500) log.error({ ...fields, err: error }, 'a request of an agent failed by a bug');
    else log.debug(fields, 'a request of an agent was refused');
    // The client may still send. Its stream would stay open.
    const end = () => request.stream.close(http2.NGHTTP2_NO_ERROR);
    response.writeHead(status, { 'content-type': 'text/plain' }).end(`${errorText(error)}\n`, end);
  }
}

/** What a reader of messages has read. Throws a refusal if it could not. */
function readable<T>(read: T | string): T {
  if (typeof read === 'string') throw new Refusal(400, `the request cannot be read: ${read}`);
  return read;
}

function serviceOf({ method, url }: Http2ServerRequest): 'answers' | 'question' | { readonly pool: string } {
  const isOfSandboxes = url === ANSWERS_PATH || url === QUESTION_PATH;
  if (!isOfSandboxes && !url.startsWith(COMMIT_PATH))
    throw new Refusal(404, 'nothing is served at this path');
  if (method !== 'POST') throw new Refusal(405, 'POST only');
  if (isOfSandboxes) return url === ANSWERS_PATH ? 'answers' : 'question';
  try {
    return { pool: decodeURIComponent(url.slice(COMMIT_PATH.length)) };
  } catch {
    throw new Refusal(400, 'the name of the pool is not encoded well');
  }
}

async function bodyOf(request: Http2ServerRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAXIMUM_COMMIT_BYTES)
      throw new Refusal(413, `a request has at most ${MAXIMUM_COMMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
