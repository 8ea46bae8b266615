// Serves the queue of DELs, from before the agent serves new pods until it stops. A shim that has waited a second also
// queues its DEL, and the API server may be unreachable.

import { type Clock, deadlineSignal, isOrbError, type Logger, OrbError } from '#base';
import { type CniRequest, type CniType, type Dispatcher, decodeFrame, readRequest, requestFrame } from '#cni';
import type { Attachments, DelQueue } from '#node';
import { DelSchedule, type Outcome, type ReadDel } from './del-schedule.ts';
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

/** Time limit of the work of one queued DEL. The wait for its turn does not count. */
const DEL_TIMEOUT_MS = 10_000;
/** A DEL ends soon after its time limit. One that does not is stuck. */
const STUCK_AFTER_MS = DEL_TIMEOUT_MS + 1_000;
/** How long the start of the agent waits for slow DELs, and again once it knows the cluster. */
const START_PATIENCE_MS = 10_000;
/** The interval between two looks at the queue. A look is one readdir of a folder that is usually empty. */
const LOOK_MS = 1_000;

export class DelReplay {
  readonly #parts: DelReplayParts;
  readonly #stop = new AbortController();
  readonly #schedule = new DelSchedule();
  #running: Promise<void> | undefined;
  #looking: Promise<void> = Promise.resolve();
  #idle: (() => void)[] = [];

  constructor(parts: DelReplayParts) {
    this.#parts = parts;
  }

  /** The number of DELs that wait, as far as known, for the metrics. */
  get waiting(): number {
    return this.#schedule.size;
  }

  /** Writes a DEL to disk. The next look serves it. */
  async keep(request: CniRequest): Promise<void> {
    await this.#parts.queue.add({ request: request.id, bytes: requestFrame(request) });
  }

  /**
   * Serves the queue once, then looks again until {@link stop}. A slow DEL does not delay the agent's start. A late DEL
   * frees nobody else's addresses, because it releases by owner.
   */
  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const looked = this.#look();
    this.#running = looked.catch(() => {}).then(() => this.#keepLooking());
    await this.#withPatience(looked);
  }

  /** The API server is reachable: serves now what waited for it. Slow DELs are not waited for. */
  async clusterKnown(): Promise<void> {
    this.#schedule.clusterKnown(this.#parts.clock.monotonic());
    await this.#withPatience(this.#lookAgain());
  }

  /** Waits for DELs that run, unless they are stuck. They have their time limit. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the agent is stopping'));
    await this.#running;
    await this.#served();
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#parts.clock.sleep(LOOK_MS, signal).catch(() => {});
      if (!signal.aborted) await this.#lookAgain();
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

  /** Looks never overlap: both would read the same DEL. */
  #look(): Promise<void> {
    const looked = this.#looking.then(() => this.#lookOnce());
    this.#looking = looked.catch(() => {});
    return looked;
  }

  /** Finds new DELs and starts what is due. Waits for none of them. */
  async #lookOnce(): Promise<void> {
    const { queue, attachments, clock } = this.#parts;
    await attachments.flush();
    const unread = this.#schedule.look(await queue.list(), clock.monotonic());
    for (const id of unread) await this.#read(id);
    this.#startDue();
  }

  async #read(id: string): Promise<void> {
    const { queue, types } = this.#parts;
    try {
      const bytes = await queue.read(id);
      if (bytes === undefined) return this.#ended(id, 'gone');
      const request = readRequest(decodeFrame(Buffer.from(bytes)));
      const asksCluster = types.some(({ name, delNeeds }) => name === request.type && delNeeds === 'cluster');
      this.#schedule.read({ id, request, key: orderKey(request), asksCluster });
    } catch (error) {
      this.#ended(id, await this.#failed(id, error));
    }
  }

  #startDue(): void {
    const { clock, gate } = this.#parts;
    while (!this.#stop.signal.aborted) {
      const next = this.#schedule.next(clock.monotonic(), (key) => gate.isBusy(key));
      if (next === undefined) break;
      void this.#serve(next);
    }
    if (!this.#schedule.isIdle) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  async #serve(del: ReadDel): Promise<void> {
    this.#ended(del.id, await this.#try(del));
    this.#startDue();
  }

  #ended(id: string, outcome: Outcome): void {
    this.#schedule.ended(id, outcome, this.#parts.clock.monotonic());
  }

  async #try(del: ReadDel): Promise<Outcome> {
    const { queue, gate } = this.#parts;
    const { id, key, request } = del;
    const { CNI_CONTAINERID: containerId, CNI_IFNAME: interfaceName } = request.variables;
    const fields = { request: id, type: request.type, verb: 'DEL', containerId, interfaceName, queued: true };
    const log = this.#parts.log.child(fields);
    const onStuck = () => {
      this.#schedule.leaveLane(id);
      this.#startDue();
    };
    let isStarted = false;
    try {
      // This takes the pod's turn: the same DEL may still run for a shim that has stopped waiting.
      await gate.run({ key, stuckAfterMs: STUCK_AFTER_MS, onStuck, log }, async () => {
        if (this.#stop.signal.aborted) return;
        isStarted = true;
        await this.#inTime(del, log);
      });
      if (!isStarted) return 'skipped';
      await queue.remove(id);
    } catch (error) {
      // An earlier request of the pod is stuck.
      return isStarted ? this.#failed(id, error) : 'skipped';
    }
    log.info({}, 'served a queued DEL');
    return 'gone';
  }

  async #inTime({ id, request, asksCluster }: ReadDel, log: Logger): Promise<void> {
    const { clock, dispatcher } = this.#parts;
    const late = new AbortController();
    const ended = new AbortController();
    clock.sleep(DEL_TIMEOUT_MS, ended.signal).then(
      () => late.abort(new OrbError('DEADLINE_PASSED', { message: 'a queued DEL has taken too long' })),
      () => {},
    );
    try {
      const signal = deadlineSignal([late.signal], clock.monotonic() + DEL_TIMEOUT_MS);
      await dispatcher().call(request, signal, log);
      if (asksCluster) this.#schedule.clusterAnswers(id, true);
    } catch (error) {
      if (asksCluster && (late.signal.aborted || isOrbError(error, 'KUBE_UNREACHABLE'))) {
        this.#schedule.clusterAnswers(id, false);
      }
      throw error;
    } finally {
      ended.abort();
    }
  }

  /** A DEL that cannot be set aside, for example on a disk that is read-only, is tried again. */
  async #failed(id: string, error: unknown): Promise<Outcome> {
    const { queue, log } = this.#parts;
    try {
      return (await queue.keepAfter(id, error)) ? 'failed' : 'gone';
    } catch (err) {
      log.error({ request: id, err }, 'the agent could not set a DEL aside');
      return 'failed';
    }
  }

  /** Resolves when no DEL is tried any more, except those that are stuck. */
  #served(): Promise<void> {
    if (this.#schedule.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Waits for the look and for what it has started, but only so long. */
  async #withPatience(look: Promise<void>): Promise<void> {
    const ended = new AbortController();
    const late = this.#parts.clock.sleep(START_PATIENCE_MS, ended.signal).catch(() => {});
    try {
      await Promise.race([look.then(() => this.#served()), late]);
    } finally {
      ended.abort();
    }
  }
}
