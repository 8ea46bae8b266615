// Admits requests to the agent in order of arrival: a limited number at once, one at a time per pod, GC alone.

import { type Clock, type Logger, OrbError } from '#base';

/** What a request asks of the gate. */
export interface Ticket {
  /** Requests with the same key run one after the other. */
  readonly key: string;
  /** The latest start, in the clock's `monotonic()`. Without it, the request waits for its turn as long as it takes. */
  readonly startByMs?: number;
  /** Work that takes longer than this is stuck: it waits for something that never comes. Counted from its start. */
  readonly stuckAfterMs: number;
  /** Called once when the work is stuck. */
  readonly onStuck?: () => void;
  /** Says what is stuck. Its fields name the request. */
  readonly log: Logger;
}

interface Waiting {
  readonly ticket: Ticket;
  /** Runs only while nothing else runs. */
  readonly alone: boolean;
  readonly admit: () => void;
  readonly refuse: (why: OrbError) => void;
}

/**
 * Limits what runs at once. A waiting request leaves the queue when its caller stops waiting.
 *
 * Stuck work no longer counts for the limit, so it cannot fill the gate. It keeps its key, because it may still change
 * the kernel when it wakes up. A request that would have to wait for stuck work is refused at once.
 */
export class Gate {
  readonly #limit: number;
  readonly #clock: Clock;
  /** What runs and is not stuck. */
  readonly #busy = new Set<string>();
  readonly #stuck = new Set<string>();
  readonly #queue: Waiting[] = [];
  /** Whether the request that runs now must be alone. */
  #closed = false;
  #idle: (() => void)[] = [];

  /** @param limit how many requests may run at once */
  constructor(limit: number, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** How many requests run and are not stuck. */
  get running(): number {
    return this.#busy.size;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get stuck(): number {
    return this.#stuck.size;
  }

  /** Whether a request with this key runs, also a stuck one, or one that must be alone. */
  isBusy(key: string): boolean {
    return this.#closed || this.#busy.has(key) || this.#stuck.has(key);
  }

  /**
   * Runs `work` when there is room and no other work with the same key runs.
   * @throws OrbError DEADLINE_PASSED when its turn does not come in time, or REQUEST_STUCK when stuck work has the same
   *   key; then `work` was not started
   */
  run<T>(ticket: Ticket, work: () => Promise<T>): Promise<T> {
    return this.#run(ticket, false, work);
  }

  /**
   * Like {@link run}, but waits until nothing else runs. Later requests wait for it, until it is stuck.
   * @throws OrbError REQUEST_STUCK also when any other work is stuck
   */
  runAlone<T>(ticket: Ticket, work: () => Promise<T>): Promise<T> {
    return this.#run(ticket, true, work);
  }

  /** Resolves when nothing waits and nothing runs. Stuck work is not waited for. */
  drained(): Promise<void> {
    if (this.#busy.size === 0 && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #run<T>(ticket: Ticket, alone: boolean, work: () => Promise<T>): Promise<T> {
    const obstacle = this.#obstacle(ticket, alone);
    if (obstacle !== undefined) throw obstacle;
    if (this.#fits(ticket.key, alone) && !this.#queue.some((waiting) => waiting.alone)) {
      this.#enter(ticket.key, alone);
    } else {
      await this.#turn(ticket, alone);
    }
    const ended = new AbortController();
    this.#clock.sleep(ticket.stuckAfterMs, ended.signal).then(
      () => this.#giveUp(ticket),
      () => {},
    );
    try {
      return await work();
    } finally {
      ended.abort();
      this.#leave(ticket);
    }
  }

  /** Waits for the turn, and takes it. */
  async #turn(ticket: Ticket, alone: boolean): Promise<void> {
    const turn = Promise.withResolvers<void>();
    const waiting = { ticket, alone, admit: turn.resolve, refuse: turn.reject };
    this.#queue.push(waiting);
    const patience = new AbortController();
    if (ticket.startByMs !== undefined) {
      this.#clock.sleep(Math.max(0, ticket.startByMs - this.#clock.monotonic()), patience.signal).then(
        () => this.#refuse(waiting, late(ticket)),
        () => {},
      );
    }
    try {
      await turn.promise;
    } finally {
      patience.abort();
    }
  }

  /** Does nothing if the request was admitted in the same moment. */
  #refuse(waiting: Waiting, why: OrbError): void {
    const at = this.#queue.indexOf(waiting);
    if (at === -1) return;
    this.#queue.splice(at, 1);
    waiting.refuse(why);
    this.#admitNext();
  }

  #fits(key: string, alone: boolean): boolean {
    if (alone) return this.#busy.size === 0;
    return !this.#closed && this.#busy.size < this.#limit && !this.#busy.has(key);
  }

  #enter(key: string, alone: boolean): void {
    this.#busy.add(key);
    this.#closed = alone;
  }

  #leave({ key, log }: Ticket): void {
    if (this.#stuck.delete(key)) {
      log.warn({ turn: key }, 'a request that was stuck has ended');
      return;
    }
    this.#busy.delete(key);
    this.#closed = false;
    this.#admitNext();
  }

  /** The work is stuck: others get its place, but not its turn. */
  #giveUp({ key, stuckAfterMs, onStuck, log }: Ticket): void {
    this.#busy.delete(key);
    this.#closed = false;
    this.#stuck.add(key);
    const message =
      'a request does not end, although its time is over; other requests of its pod are refused until it ends or the agent restarts';
    log.error({ turn: key, seconds: stuckAfterMs / 1000 }, message);
    onStuck?.();
    for (const waiting of [...this.#queue]) {
      const obstacle = this.#obstacle(waiting.ticket, waiting.alone);
      if (obstacle !== undefined) this.#refuse(waiting, obstacle);
    }
    this.#admitNext();
  }

  /** The stuck work that this request would have to wait for, as an error. */
  #obstacle({ key }: Ticket, alone: boolean): OrbError | undefined {
    const [first] = this.#stuck;
    const stuck = alone ? first : this.#stuck.has(key) ? key : undefined;
    if (stuck === undefined) return undefined;
    const message = `an earlier request does not end, although its time is over: ${stuck}`;
    return new OrbError('REQUEST_STUCK', { message, subject: stuck });
  }

  #admitNext(): void {
    for (let i = 0; i < this.#queue.length && this.#busy.size < this.#limit; ) {
      const next = this.#queue[i] as Waiting;
      const { key } = next.ticket;
      if (!this.#fits(key, next.alone)) {
        // No request overtakes one that must be alone. Otherwise that one could wait for ever.
        if (next.alone) break;
        i++;
        continue;
      }
      this.#queue.splice(i, 1);
      this.#enter(key, next.alone);
      next.admit();
    }
    if (this.#busy.size > 0 || this.#queue.length > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}

function late({ key }: Ticket): OrbError {
  return new OrbError('DEADLINE_PASSED', {
    message: 'the caller stopped waiting before the agent started its request',
    subject: key,
  });
}
