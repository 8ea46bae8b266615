// What happens to a request between the socket and the plugin: deadline, order, log, metrics.

import type { Clock, Logger } from '#base';
import type { CniAnswer, CniRequest, Dispatcher } from '#cni';
import type { Gate } from './gate.ts';

/** Told of every request that was served. */
export interface VerbMetrics {
  served(type: string, verb: string, outcome: 'ok' | 'error', seconds: number): void;
}

/** Serves requests through the gate. */
export class VerbServer {
  readonly #dispatcher: Dispatcher;
  readonly #gate: Gate;
  readonly #clock: Clock;
  readonly #metrics: VerbMetrics;
  readonly #log: Logger;

  constructor(parts: {
    dispatcher: Dispatcher;
    gate: Gate;
    clock: Clock;
    metrics: VerbMetrics;
    log: Logger;
  }) {
    this.#dispatcher = parts.dispatcher;
    this.#gate = parts.gate;
    this.#clock = parts.clock;
    this.#metrics = parts.metrics;
    this.#log = parts.log;
  }

  async serve(request: CniRequest, callerGone: AbortSignal): Promise<CniAnswer> {
    const { CNI_COMMAND: verb = '', CNI_CONTAINERID: containerId, CNI_IFNAME: ifName } = request.variables;
    const log = this.#log.child({ request: request.id, type: request.type, verb, containerId, ifName });
    const begunMs = this.#clock.monotonic();
    const deadlineMs = begunMs + request.deadlineMs;
    let answer: CniAnswer;
    try {
      const serve = () => {
        const left = AbortSignal.timeout(Math.max(1, Math.round(deadlineMs - this.#clock.monotonic())));
        return this.#dispatcher.serve(request, AbortSignal.any([callerGone, left]), log);
      };
      // The runtime asks for STATUS every few seconds, and must not take a busy agent for a dead one.
      answer = await (verb === 'STATUS' ? serve() : this.#gate.run(orderKey(request), deadlineMs, serve));
    } catch (error) {
      answer = await this.#dispatcher.refuse(request, error, log);
    }
    const seconds = (this.#clock.monotonic() - begunMs) / 1000;
    this.#metrics.served(request.type, verb, answer.exitCode === 0 ? 'ok' : 'error', seconds);
    log.info({ seconds: Number(seconds.toFixed(4)), exitCode: answer.exitCode }, 'served');
    return answer;
  }
}

/** Requests with one key follow one another: those of one pod, and those that concern a whole network. */
export function orderKey(request: CniRequest): string {
  const { CNI_COMMAND: verb, CNI_CONTAINERID: containerId, CNI_ARGS: args = '' } = request.variables;
  if (verb === 'GC') return 'gc';
  if (containerId === undefined) return `request ${request.id}`;
  const uid = /(?:^|;)K8S_POD_UID=([^;]+)/.exec(args)?.[1];
  return `pod ${uid ?? containerId}`;
}
