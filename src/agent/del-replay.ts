// Serves the queue of DELs: once before the agent serves new pods, and regularly after that. A shim that has waited a
// second also queues its DEL, and the API server may be unreachable.

import { BackOff, type Clock, isOrbError, type Logger, OrbError } from '#base';
import { type CniRequest, type CniType, type Dispatcher, decodeFrame, readRequest, requestFrame } from '#cni';
import type { Attachments, DelQueue, QueuedDel } from '#node';
import type { Gate } from './gate.ts';
import { orderKey } from './verbs.ts';

export interface DelReplayParts {
  readonly queue: DelQueue;
  /** Each look also writes what earlier DELs could not write. */
  readonly attachments: Pick<Attachments, 'flush'>;
  readonly dispatcher: () => Dispatcher;
  /** What the DELs of each type need. */
  readonly types: readonly Pick<CniType, 'name' | 'delNeeds'>[];
  readonly gate: Gate;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Time limit for the turn of one queued DEL, and for its work. Both together have a second more than this. */
const DEL_TIMEOUT_MS = 10_000;
/** Parallel DELs share the writes of their pool. The limit leaves room for requests of runtimes. */
const LANES = 8;
/** After this time a look begins no more retries, and {@link DelReplay.start} waits no longer for the look. */
const LOOK_PATIENCE_MS = 10_000;
/** The interval between two looks at the queue. A look is one readdir of a folder that is usually empty. */
const LOOK_MS = 1_000;

export class DelReplay {
  readonly #parts: DelReplayParts;
  readonly #stop = new AbortController();
  readonly #backOff = new BackOff({ firstMs: LOOK_MS, maximumMs: 30_000 });
  #running: Promise<void> | undefined;
  #looking: Promise<void> = Promise.resolve();
  /** DELs that have not ended within their time: a plugin waits for something that never comes. */
  readonly #stuck = new Set<string>();
  /** The number of DELs that wait, as far as known, for the metrics. */
  waiting = 0;

  constructor(parts: DelReplayParts) {
    this.#parts = parts;
  }

  /** Writes a DEL to disk. The next look serves it. */
  async keep(request: CniRequest): Promise<void> {
    await this.#parts.queue.add({ request: request.id, bytes: requestFrame(request) });
    this.waiting += 1;
  }

  /**
   * Serves the queue once, then looks again until {@link stop}. A slow DEL does not delay the agent's start. A late DEL
   * frees nobody else's addresses, because it releases by owner.
   */
  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const looked = this.#look();
    this.#running = looked.catch(() => {}).then(() => this.#keepLooking());
    await endsWithin(this.#parts.clock, LOOK_PATIENCE_MS, looked);
  }

  /** The API server is reachable: serves now what waited for it. */
  async clusterKnown(): Promise<void> {
    if (this.waiting > 0) await this.#lookAgain();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the agent is stopping'));
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

  /** A folder that cannot be read now, for example for lack of file descriptors, is read at the next look. */
  async #lookAgain(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      this.#parts.log.error({ err: error }, 'the agent could not read the queue of DELs');
    }
  }

  /** Looks never overlap: both would serve the same DEL. */
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
    const last = (queued: QueuedDel) => this.#asksCluster(queued);
    const served = queue.replay(serve, { lanes: LANES, last, retries: over.signal, signal });
    if (!(await endsWithin(clock, LOOK_PATIENCE_MS, served))) over.abort();
    await served;
    this.waiting = await queue.length();
  }

  async #serve(queued: QueuedDel, pass: Pass): Promise<boolean> {
    const asks = this.#asksCluster(queued);
    if ((asks && pass.clusterAway) || this.#stuck.has(queued.request)) return false;
    const { dispatcher, gate, clock, log } = this.#parts;
    const request = requestOf(queued);
    const { CNI_CONTAINERID: containerId, CNI_IFNAME: interfaceName } = request.variables;
    const own = log.child({
      request: queued.request,
      type: request.type,
      verb: 'DEL',
      containerId,
      interfaceName,
      queued: true,
    });
    try {
      // This takes the pod's turn: the same DEL may still run for a shim that has stopped waiting.
      const served = gate.run(orderKey(request), clock.monotonic() + DEL_TIMEOUT_MS, () =>
        dispatcher().call(request, AbortSignal.timeout(DEL_TIMEOUT_MS), own),
      );
      await this.#inTime(queued.request, served);
    } catch (error) {
      if (asks && isAway(error)) pass.clusterAway = true;
      throw error;
    }
    own.info({}, 'served a queued DEL');
    return true;
  }

  /** DELs that need only the node go first: after a reboot the API server may be unreachable for long. */
  #asksCluster(queued: QueuedDel): boolean {
    try {
      const { type } = requestOf(queued);
      return this.#parts.types.some(({ name, delNeeds }) => name === type && delNeeds === 'cluster');
    } catch {
      // A damaged DEL is reported when its turn comes.
      return false;
    }
  }

  /** Throws DEADLINE_PASSED if the DEL does not end in time, whatever it waits for. The other DELs continue. */
  async #inTime(request: string, served: Promise<unknown>): Promise<void> {
    // This is longer than the DEL's own deadline, which normally ends it.
    if (await endsWithin(this.#parts.clock, DEL_TIMEOUT_MS + LOOK_MS, served)) return;
    this.#stuck.add(request);
    const forget = () => this.#stuck.delete(request);
    served.then(forget, forget);
    throw new OrbError('DEADLINE_PASSED', { message: 'a queued DEL is still running after its deadline' });
  }
}

/**
 * Whether `work` ends within `ms`. Rejects if `work` rejects within that time. Slower work continues, and the caller
 * handles its outcome.
 */
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
  /**
   * One DEL has waited for the cluster and failed. Hundreds of others would take an hour to fail one after the other.
   */
  clusterAway: boolean;
}

function requestOf({ bytes }: QueuedDel): CniRequest {
  return readRequest(decodeFrame(Buffer.from(bytes)));
}

function isAway(error: unknown): boolean {
  return isOrbError(error, 'KUBE_UNREACHABLE') || (error as Error | undefined)?.name === 'TimeoutError';
}
