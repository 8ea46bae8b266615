// A service of a cloud, as Neutron: requests with the session's token, repeated where that does no harm.

import type { Clock, Logger } from '#base';
import type { Connections, HttpRequest } from '#http';
import type { ServiceType } from './catalog.ts';
import { type CloudAnswer, type CloudRequest, exchanged, jsonOf } from './exchange.ts';
import { isAbsence, readRefusal, refusalError } from './refusal.ts';
import { newRepeats, repeatAfterMs } from './repeats.ts';
import { type Session, secretOf } from './session.ts';

/** A call that ends, also where the server stays away, hangs or answers 503 for ever. */
const CALL_TIMEOUT_MS = 60_000;
const REQUEST_TIMEOUT_MS = 30_000;

export interface Call {
  readonly method: HttpRequest['method'];
  /** After the version: `/ports/6e…`, with the query. */
  readonly path: string;
  /** For messages: "read port 6e…". */
  readonly action: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a read finds. `absent` is said by the service itself, to a token that it accepts; where it could not be asked,
 * the read throws.
 */
export type Sight<T> = { readonly is: 'there'; readonly value: T } | { readonly is: 'absent' };

export interface ServiceParts {
  readonly session: Session;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly log: Logger;
}

export class CloudService {
  readonly #type: ServiceType;
  /** "Neutron", as messages call it. */
  readonly name: string;
  /** The version that paths begin with, where the catalog's URL lacks it. */
  readonly #version: string;
  readonly #parts: ServiceParts;

  constructor(parts: ServiceParts, type: ServiceType, name: string, version: string) {
    this.#parts = parts;
    this.#type = type;
    this.name = name;
    this.#version = version;
  }

  /** The project of the login. */
  async projectId(signal?: AbortSignal): Promise<string> {
    return (await this.#parts.session.pass(signal)).projectId;
  }

  /** The JSON of the answer; undefined where it has no body. Throws the error of a refusal. */
  async call(call: Call): Promise<unknown> {
    const { answer, request } = await this.#answer(call);
    if (isSuccess(answer)) return bodyOf(answer, request);
    throw this.#refused(answer, request);
  }

  /** Like {@link call} for what may not exist. */
  async look(call: Call): Promise<Sight<unknown>> {
    const { answer, request } = await this.#answer(call);
    if (isSuccess(answer)) return { is: 'there', value: bodyOf(answer, request) };
    if (isAbsence(readRefusal(answer.status, answer.text))) return { is: 'absent' };
    throw this.#refused(answer, request);
  }

  #refused(answer: CloudAnswer, { action, service, secrets }: CloudRequest): Error {
    const context = { action, service, secrets, requestId: answer.requestId };
    return refusalError(readRefusal(answer.status, answer.text), context);
  }

  async #answer(call: Call): Promise<{ answer: CloudAnswer; request: CloudRequest }> {
    const { clock, log, session } = this.#parts;
    const deadline = clock.monotonic() + CALL_TIMEOUT_MS;
    const waits = newRepeats();
    let renewed = false;
    for (;;) {
      const outcome = await this.#try(call, deadline - clock.monotonic());
      const { request } = outcome;
      if (outcome.answer?.status === 401 && !renewed) {
        renewed = true;
        session.reject(outcome.token);
        continue;
      }
      // Of a write without an answer nobody knows whether it was done, so only its caller may look and decide.
      const isHarmless = call.method === 'GET' || call.method === 'DELETE';
      const waitMs = repeatAfterMs(isHarmless, outcome.answer, waits);
      if (waitMs === undefined || clock.monotonic() + waitMs >= deadline) {
        if (outcome.answer === undefined) throw outcome.error;
        return { answer: outcome.answer, request };
      }
      const status = outcome.answer?.status;
      log.debug({ action: call.action, ...(status !== undefined && { status }) }, 'a request is repeated');
      await clock.sleep(waitMs, call.signal);
    }
  }

  async #try({ method, path, action, body, headers, signal }: Call, leftMs: number): Promise<Outcome> {
    const { session, connections } = this.#parts;
    const { token, endpoint } = await session.pass(signal);
    const request: CloudRequest = {
      service: this.name,
      server: versioned(endpoint(this.#type), this.#version),
      headers: { ...headers, 'x-auth-token': token },
      lifeMs: Math.max(1, Math.min(leftMs, REQUEST_TIMEOUT_MS)),
      secrets: [token, secretOf(session.config.login)],
      ...{ method, path, action, body, signal },
    };
    try {
      return { token, request, answer: await exchanged(connections, request) };
    } catch (error) {
      signal?.throwIfAborted();
      return { token, request, error: error as Error };
    }
  }
}

type Outcome = { readonly token: string; readonly request: CloudRequest } & (
  | { readonly answer: CloudAnswer; readonly error?: undefined }
  | { readonly answer?: undefined; readonly error: Error }
);

/** Undefined where there is none, as after a DELETE. */
const bodyOf = (answer: CloudAnswer, request: CloudRequest): unknown =>
  answer.text === '' ? undefined : jsonOf(answer, request);

const isSuccess = ({ status }: CloudAnswer): boolean => status >= 200 && status < 300;

/** Neutron's endpoint lacks the version, Nova's has it, perhaps before the project. */
function versioned(endpoint: URL, version: string): URL {
  const url = new URL(endpoint);
  url.search = '';
  if (!/\/v\d/.test(url.pathname)) url.pathname = url.pathname.replace(/\/$/, '') + version;
  return url;
}
