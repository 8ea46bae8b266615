// An agent's link to the leading controller, which writes pools for all agents together. Nothing depends on it: where
// no leader answers, the agent writes by itself.

import * as http2 from 'node:http2';
import { resources } from '#api';
import { abortable, type Clock, errorText, type Logger } from '#base';
import type { KubeClient, ObjectRef } from '#kube';
import {
  COMMIT_PATH,
  type CommitAnswer,
  type CommitRequest,
  readAnswer,
  requestText,
} from './commit-message.ts';
import {
  ANSWERS_PATH,
  answersText,
  QUESTION_PATH,
  QUESTION_WAIT_MS,
  questionText,
  readAsked,
  readSandbox,
  type SandboxAnswer,
  type SandboxAnswers,
  type SandboxQuestion,
} from './sandbox-message.ts';

/** Annotations of the controllers' Lease, which the leader writes. */
export const LEADER_ADDRESS = 'orbweaver.io/commit-address';
export const LEADER_CA = 'orbweaver.io/commit-ca';
/** What a token must be for to be sent to the leader. */
export const COMMIT_AUDIENCE = 'orbweaver-controller';
/** The name in the leader's certificate, whatever its address. */
export const LEADER_SERVER_NAME = 'orbweaver-controller';

export interface LeaderLinkOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lease: ObjectRef & { readonly namespace: string };
  /** The token that proves who the agent is. Throws if there is none. */
  readonly token: () => Promise<string>;
}

/** How long an agent waits for an answer. Then it writes by itself; the operation is the same, so no harm is done. */
const ANSWER_TIMEOUT_MS = 5000;
/** How long an agent writes by itself after the leader did not answer. */
const REST_MS = 2000;
const MAXIMUM_ANSWER_BYTES = 1024 * 1024;

/** When a request ends without an answer. */
interface Limits {
  readonly signal: AbortSignal;
  readonly withinMs: number;
}

export class LeaderLink {
  readonly #options: LeaderLinkOptions;
  /** One connection for all requests. */
  #session: Promise<http2.ClientHttp2Session> | undefined;
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  #isLed: boolean | undefined;

  constructor(options: LeaderLinkOptions) {
    this.#options = options;
  }

  /**
   * The leader's answer. Undefined if there is no leader, or if it does not answer or refuses: the operation may then
   * have been done or not. Rejects only with the signal's reason.
   */
  async commit(pool: string, request: CommitRequest, signal: AbortSignal): Promise<CommitAnswer | undefined> {
    if (this.#options.clock.monotonic() < this.#restsUntilMs) return undefined;
    this.#session ??= this.#connect();
    const asked = this.#session;
    try {
      const path = COMMIT_PATH + encodeURIComponent(pool);
      const limits = { signal, withinMs: ANSWER_TIMEOUT_MS };
      const answer = readable(readAnswer(await this.#post(asked, path, requestText(request), limits)));
      this.#tell(true, '');
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (this.#session === asked) this.#rest(error);
      return undefined;
    }
  }

  /**
   * Tells what this node knows of the sandboxes that it was asked about, and waits for the next questions: UIDs of pods,
   * none after a time. Rejects if there is no leader, or if it does not serve this agent.
   */
  async questions(answers: SandboxAnswers, signal: AbortSignal): Promise<readonly string[]> {
    const limits = { signal, withinMs: QUESTION_WAIT_MS + ANSWER_TIMEOUT_MS };
    return readable(readAsked(await this.#ask(ANSWERS_PATH, answersText(answers), limits)));
  }

  /** Asks the leader what the agent of a node says about a pod. Rejects if there is no leader, or if it refuses. */
  async sandbox(question: SandboxQuestion, signal: AbortSignal): Promise<SandboxAnswer> {
    const limits = { signal, withinMs: ANSWER_TIMEOUT_MS };
    return readable(readSandbox(await this.#ask(QUESTION_PATH, questionText(question), limits))).sandbox;
  }

  /** A request whose failure does not keep the agent from having its pools written. */
  async #ask(path: string, body: string, limits: Limits): Promise<string> {
    this.#session ??= this.#connect();
    const asked = this.#session;
    try {
      return await this.#post(asked, path, body, limits);
    } catch (error) {
      const isUsable = await asked.then(
        (session) => !session.closed && !session.destroyed,
        () => false,
      );
      if (!isUsable && this.#session === asked) this.#session = undefined;
      throw error;
    }
  }

  async #post(
    asked: Promise<http2.ClientHttp2Session>,
    path: string,
    body: string,
    { signal, withinMs }: Limits,
  ): Promise<string> {
    const done = new AbortController();
    try {
      const limited = AbortSignal.any([signal, this.#late(withinMs, done.signal)]);
      const session = await abortable(asked, limited);
      const token = await abortable(this.#options.token(), limited);
      return await post(session, path, token, body, limited);
    } finally {
      done.abort();
    }
  }

  /** Aborts when the answer is late. */
  #late(withinMs: number, done: AbortSignal): AbortSignal {
    const late = new AbortController();
    this.#options.clock.sleep(withinMs, done).then(
      () => late.abort(new Error(`no answer within ${withinMs} ms`)),
      () => {}, // the request has ended
    );
    return late.signal;
  }

  /** Closes the connection. */
  close(): void {
    this.#session?.then(
      (session) => session.destroy(),
      () => {},
    );
    this.#session = undefined;
    this.#restsUntilMs = Number.POSITIVE_INFINITY;
  }

  #rest(error: unknown): void {
    this.#session?.then(
      (session) => session.close(),
      () => {},
    );
    this.#session = undefined;
    this.#restsUntilMs = this.#options.clock.monotonic() + REST_MS;
    this.#tell(false, errorText(error));
  }

  /** Logs who writes pools, once for each change. */
  #tell(isLed: boolean, error: string): void {
    if (this.#isLed === isLed) return;
    this.#isLed = isLed;
    const { log } = this.#options;
    if (isLed) log.info({}, 'the leading controller writes pools for this agent');
    else log.warn({ error }, 'the leading controller does not answer; this agent writes pools by itself');
  }

  async #connect(): Promise<http2.ClientHttp2Session> {
    const { client, lease } = this.#options;
    const { metadata, spec } = await client.get(resources.leases, lease);
    const { [LEADER_ADDRESS]: address, [LEADER_CA]: ca } = metadata.annotations ?? {};
    if (!spec?.holderIdentity) throw new Error('no controller leads');
    if (address === undefined || ca === undefined) throw new Error('the leader does not say where it is');
    const session = http2.connect(`https://${address}`, {
      ca,
      servername: LEADER_SERVER_NAME,
      minVersion: 'TLSv1.2',
    });
    return new Promise((resolve, reject) => {
      session.once('connect', () => resolve(session));
      // Requests that run get the error themselves.
      session.on('error', reject);
      session.once('close', () => reject(new Error('the leader has closed the connection')));
    });
  }
}

/** What a reader of messages has read. Throws if it could not. */
function readable<T>(read: T | string): T {
  if (typeof read === 'string') throw new Error(`the answer cannot be read: ${read}`);
  return read;
}

function post(
  session: http2.ClientHttp2Session,
  path: string,
  token: string,
  body: string,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      ':method': 'POST',
      ':path': path,
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
    };
    const stream = session.request(headers, { signal });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status = 0;
    stream.on('response', (answer) => {
      status = answer[':status'] ?? 0;
    });
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAXIMUM_ANSWER_BYTES) stream.destroy(new Error('the answer is too long'));
      else chunks.push(chunk);
    });
    stream.on('error', reject);
    stream.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      if (status === 200) resolve(text);
      else reject(new Error(`status ${status}: ${text.slice(0, 500)}`));
    });
    // A connection that ends without an error.
    stream.on('close', () => reject(new Error('the leader has closed the connection')));
    stream.end(body);
  });
}
