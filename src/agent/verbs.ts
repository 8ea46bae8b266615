// The way of a request from the socket to the plugin: deadline, order, log, metrics.

import { podNamedIn } from '#api';
import { type Clock, deadlineSignal, type Logger, OrbError } from '#base';
import type { CniAnswer, CniRequest, Dispatcher } from '#cni';
import type { AttachmentRecord } from '#node';
import type { Gate } from './gate.ts';

/** Counts every request. */
export interface VerbMetrics {
  /** How long a request waited until its work began. */
  waited(type: string, verb: string, seconds: number): void;
  served(type: string, verb: string, outcome: 'ok' | 'error', seconds: number): void;
}

/** What a request may take after its deadline: an ADD that failed gives back what it took. */
const UNDO_MS = 10_000;

/** Resolves when an ADD of the pod is worth its turn: one that was refused before may have to wait for an address. */
export type WorthwhileAdd = (
  pod: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
) => Promise<void>;

/** Serves requests through the gate. */
export class VerbServer {
  readonly #dispatcher: Dispatcher;
  readonly #gate: Gate;
  readonly #clock: Clock;
  readonly #metrics: VerbMetrics;
  readonly #log: Logger;
  readonly #worthwhile: WorthwhileAdd;

  constructor(parts: {
    dispatcher: Dispatcher;
    gate: Gate;
    clock: Clock;
    metrics: VerbMetrics;
    log: Logger;
    worthwhile?: WorthwhileAdd;
  }) {
    this.#dispatcher = parts.dispatcher;
    this.#gate = parts.gate;
    this.#clock = parts.clock;
    this.#metrics = parts.metrics;
    this.#log = parts.log;
    this.#worthwhile = parts.worthwhile ?? (async () => {});
  }

  async serve(request: CniRequest, callerGone: AbortSignal): Promise<CniAnswer> {
    const {
      CNI_COMMAND: verb = '',
      CNI_CONTAINERID: containerId,
      CNI_IFNAME: interfaceName,
    } = request.variables;
    const log = this.#log.child({
      request: request.id,
      type: request.type,
      verb,
      containerId,
      interfaceName,
    });
    const begunMs = this.#clock.monotonic();
    const late = new AbortController();
    const answered = new AbortController();
    this.#clock.sleep(request.deadlineMs, answered.signal).then(
      () =>
        late.abort(new OrbError('DEADLINE_PASSED', { message: 'the deadline of the request has passed' })),
      () => {},
    );
    const signal = deadlineSignal([callerGone, late.signal], begunMs + request.deadlineMs);
    let answer: CniAnswer;
    try {
      const serve = () => {
        this.#metrics.waited(request.type, verb, (this.#clock.monotonic() - begunMs) / 1000);
        return this.#dispatcher.serve(request, signal, log);
      };
      answer = await this.#inTurn(request, { signal, log }, serve);
    } catch (error) {
      answer = await this.#dispatcher.refuse(request, error, log);
    } finally {
      answered.abort();
    }
    const seconds = (this.#clock.monotonic() - begunMs) / 1000;
    this.#metrics.served(request.type, verb, answer.exitCode === 0 ? 'ok' : 'error', seconds);
    log.info({ seconds: Number(seconds.toFixed(4)), exitCode: answer.exitCode }, 'served');
    return answer;
  }

  async #inTurn(
    request: CniRequest,
    { signal, log }: { signal: AbortSignal; log: Logger },
    serve: () => Promise<CniAnswer>,
  ): Promise<CniAnswer> {
    const ticket = {
      key: orderKey(request),
      startByMs: this.#clock.monotonic() + request.deadlineMs,
      stuckAfterMs: request.deadlineMs + UNDO_MS,
      log,
    };
    switch (request.variables.CNI_COMMAND) {
      // The runtime asks every few seconds. It must not take a busy agent for a dead one.
      case 'STATUS':
        return serve();
      // CNI specification 1.1, "Lifecycle & Ordering": either GC runs, or ADDs and DELs. The DELs of our queue follow
      // this rule too.
      case 'GC':
        return this.#gate.runAlone(ticket, serve);
      // ADDs wait outside the gate. Inside, they would take the places of the queued DELs that a starting agent must
      // serve first.
      case 'CHECK':
        await this.#dispatcher.ready(signal);
        break;
      case 'ADD': {
        await this.#dispatcher.ready(signal);
        const pod = podNamedIn(request.variables.CNI_ARGS ?? '');
        if (pod !== undefined) await this.#worthwhile(pod, signal);
        break;
      }
      default:
    }
    return this.#gate.run(ticket, serve);
  }
}

/**
 * Requests that share a key run one after the other: those of one pod, and those that concern a whole network. The key
 * of a pod is its name, because some runtimes do not pass its UID. Without this order, the DEL of an old sandbox and
 * the ADD of the next could free and take one address at once.
 */
export function orderKey(request: CniRequest): string {
  const { CNI_COMMAND: verb, CNI_CONTAINERID: containerId, CNI_ARGS: args = '' } = request.variables;
  if (verb === 'GC') return 'gc';
  if (containerId === undefined) return `request ${request.id}`;
  const pod = podNamedIn(args);
  return pod === undefined ? sandboxKey(containerId) : podKey(pod);
}

/** The keys that requests for a recorded attachment may have. */
export function orderKeysOf({ containerId, pod }: Pick<AttachmentRecord, 'containerId' | 'pod'>): string[] {
  return [sandboxKey(containerId), ...(pod === undefined ? [] : [podKey(pod)])];
}

function sandboxKey(containerId: string): string {
  return `sandbox ${containerId}`;
}

function podKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `pod ${namespace}/${name}`;
}
