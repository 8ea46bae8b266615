// Works off the queue of DELs: before the agent serves new pods, and from then on, because a shim that has waited a second
// queues its DEL too, and because the API server may be away.

import { BackOff, type Clock, isOrbError, type Logger, OrbError } from '#base';
import { type CniRequest, type Dispatcher, decodeFrame, readRequest, requestFrame } from '#cni';
import type { Attachments, DelQueue, QueuedDel } from '#node';
import type { Gate } from './gate.ts';
import { orderKey } from './verbs.ts';

export interface DelReplayParts {
  readonly queue: DelQueue;
  /** What DELs could not write yet is written with each look. */
  readonly attachments: Pick<Attachments, 'flush'>;
  readonly dispatcher: () => Dispatcher;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long one queued DEL may take, waiting for its turn included. */
const DEL_TIMEOUT_MS = 10_000;
/** So that releases share the writes of their pool, and requests of runtimes find room beside them. */
const LANES = 8;
/** How long one look, and the start of the agent, wait for DELs that take long. */
const LOOK_PATIENCE_MS = 10_000;
/** How often the queue is looked at: one readdir of an empty folder. */
const LOOK_MS = 1_000;

export class DelReplay {
  readonly #parts: DelReplayParts;
  readonly #stop = new AbortController();
  readonly #backOff = new BackOff({ firstMs: LOOK_MS, maximumMs: 30_000 });
  #running: Promise<void> | undefined;
  #looking: Promise<void> = Promise.resolve();
  /** DELs whose time is over and that have not ended: a plugin waits for something that does not come. */
  readonly #stuck = new Set<string>();
  /** How many DELs wait, as of the last look: for the metrics. */
  waiting = 0;

  constructor(parts: DelReplayParts) {
    this.#parts = parts;
  }

  /** Puts a DEL on disk; it is seen to at the next look. */
  async keep(request: CniRequest): Promise<void> {
    await this.#parts.queue.add({ request: request.id, bytes: requestFrame(request) });
    this.waiting += 1;
  }

  /**
   * Serves what is queued, once, and goes on looking until {@link stop}. A DEL that takes long does not hold up the agent's start.
   * Addresses are released by their owner, so a DEL that comes late frees nobody else's.
   */
  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const looked = this.#look();
    this.#running = looked.catch(() => {}).then(() => this.#keepLooking());
    await endsWithin(this.#parts.clock, LOOK_PATIENCE_MS, looked);
  }

  /** The API server is there: what waited for it is seen to now. */
  async clusterKnown(): Promise<void> {
    if (this.waiting > 0) await this.#lookAgain();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the agent stops'));
    await this.#running;
  }

  async #keepLooking(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(this.waiting > 0 ? this.#backOff.next() : LOOK_MS, signal).catch(() => {});
      const before = this.waiting;
      if (!signal.aborted) await this.#lookAgain();
      if (this.waiting === 0 || this.waiting < before) this.#backOff.reset();
    }
  }

  /** A folder that cannot be read now, for want of descriptors say, is read at the next look. */
  async #lookAgain(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      this.#parts.log.error({ err: error }, 'the queue of DELs could not be worked off');
    }
  }

  /** One look after the other: both would serve the same. */
  #look(): Promise<void> {
    const looked = this.#looking.then(() => this.#lookOnce());
    this.#looking = looked.catch(() => {});
    return looked;
  }

  async #lookOnce(): Promise<void> {
    const { queue, attachments, clock } = this.#parts;
    await attachments.flush();
    const pass: Pass = { clusterAway: false };
    const { signal } = this.#stop;
    const over = new AbortController();
    const serve = (queued: QueuedDel) => this.#serve(queued, pass);
    const served = queue.replay(serve, { lanes: LANES, last: asksCluster, retries: over.signal, signal });
    if (!(await endsWithin(clock, LOOK_PATIENCE_MS, served))) over.abort();
    await served;
    this.waiting = await queue.length();
  }

  async #serve(queued: QueuedDel, pass: Pass): Promise<boolean> {
    const asks = asksCluster(queued);
    if ((asks && pass.clusterAway) || this.#stuck.has(queued.request)) return false;
    const { dispatcher, gate, clock, log } = this.#parts;
    const request = requestOf(queued);
    const { CNI_CONTAINERID: containerId, CNI_IFNAME: ifName } = request.variables;
    const own = log.child({
      request: queued.request,
      type: request.type,
      verb: 'DEL',
      containerId,
      ifName,
      queued: true,
    });
    try {
      // In the pod's turn: the same DEL may still be running for a shim that has stopped waiting.
      const served = gate.run(orderKey(request), clock.monotonic() + DEL_TIMEOUT_MS, () =>
        dispatcher().call(request, AbortSignal.timeout(DEL_TIMEOUT_MS), own),
      );
      await this.#inTime(queued.request, served);
    } catch (error) {
      if (asks && isAway(error)) pass.clusterAway = true;
      throw error;
    }
    own.info({}, 'queued DEL served');
    return true;
  }

  /** Throws DEADLINE_PASSED where the DEL does not end, whatever it waits for: the others go on. */
  async #inTime(request: string, served: Promise<unknown>): Promise<void> {
    // Longer than its own deadline, which it mostly keeps.
    if (await endsWithin(this.#parts.clock, DEL_TIMEOUT_MS + LOOK_MS, served)) return;
    this.#stuck.add(request);
    const forget = () => this.#stuck.delete(request);
    served.then(forget, forget);
    throw new OrbError('DEADLINE_PASSED', { message: 'a queued DEL does not end' });
  }
}

/** Whether `work` ends within `ms`; rejects where it does. Work that takes longer goes on, and the caller sees to its outcome. */
async function endsWithin(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const ended = new AbortController();
  const late = clock.sleep(ms, ended.signal).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    ended.abort();
  }
}

/** One look at the queue. */
interface Pass {
  /** A DEL has waited for the cluster in vain: hundreds more, one after the other, would take an hour to find out the same. */
  clusterAway: boolean;
}

/** What needs nothing but the node goes first: after a reboot the API server may be away for long. */
function asksCluster(queued: QueuedDel): boolean {
  try {
    return requestOf(queued).type === 'spiderpool';
  } catch {
    // That it is damaged is for its turn to say.
    return false;
  }
}

function requestOf({ bytes }: QueuedDel): CniRequest {
  return readRequest(decodeFrame(Buffer.from(bytes)));
}

function isAway(error: unknown): boolean {
  return isOrbError(error, 'KUBE_UNREACHABLE') || (error as Error | undefined)?.name === 'TimeoutError';
}
