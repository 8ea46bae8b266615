// Decides which queued DEL is tried next. No DEL waits for another one that fails, and none is tried twice at once.

import { BackOff } from '#base';
import type { CniRequest } from '#cni';

/** A queued DEL that was read. */
export interface ReadDel {
  /** The name of its file: the shim's request id. */
  readonly id: string;
  readonly request: CniRequest;
  /** The turn that it takes at the gate. */
  readonly key: string;
  readonly asksCluster: boolean;
}

/** How a try ended. `skipped`: the DEL was not started, and waits as before. `gone`: it no longer waits. */
export type Outcome = 'gone' | 'failed' | 'skipped';

/**
 * A DEL takes a lane while it is tried. Each kind has lanes of its own, so that a new DEL finds one whatever the others
 * do: new DELs that need only the node, new DELs that ask the API server, and DELs that failed before. Parallel DELs
 * share the writes of their pool. Together they leave room at the gate for requests of runtimes.
 */
const LANES = { node: 2, cluster: 6, again: 4 } as const;
type Lane = keyof typeof LANES;
const lanes = Object.keys(LANES) as Lane[];

/** The wait after a DEL has failed. */
const RETRY = { firstMs: 1_000, maximumMs: 30_000 };

interface Entry {
  readonly id: string;
  /** Undefined until it was read. */
  del?: ReadDel;
  /** Grows each time that the DEL fails. Undefined for a DEL that has not failed. */
  backOff?: BackOff;
  /** The earliest next try. */
  dueMs: number;
  isRunning: boolean;
}

/** The queued DELs of an agent, and when each is tried. Times are of the clock's `monotonic()`. */
export class DelSchedule {
  /** In the order in which they were queued. */
  readonly #entries = new Map<string, Entry>();
  /** Those of each turn at the gate. */
  readonly #ofKey = new Map<string, Set<Entry>>();
  /** The DELs that take a lane. */
  readonly #lanes = new Map<string, Lane>();
  /** Lanes whose DEL of this look has asked an API server that does not answer. Undefined while it answers. */
  #askedWhileAway: Set<Lane> | undefined;

  /** How many DELs wait or are tried. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether no DEL takes a lane. */
  get isIdle(): boolean {
    return this.#lanes.size === 0;
  }

  /**
   * A look at the queue begins. `queued` are the ids of all DELs in it, oldest first. New ones are due now.
   * @returns the ids of DELs that must be read before they can be tried
   */
  look(queued: readonly string[], nowMs: number): string[] {
    this.#askedWhileAway?.clear();
    const known = new Set(queued);
    for (const entry of this.#entries.values()) {
      if (!entry.isRunning && !known.has(entry.id)) this.#forget(entry);
    }
    for (const id of queued) {
      if (!this.#entries.has(id)) this.#entries.set(id, { id, dueMs: nowMs, isRunning: false });
    }
    const unread = [...this.#entries.values()].filter(
      ({ del, dueMs }) => del === undefined && dueMs <= nowMs,
    );
    return unread.map(({ id }) => id);
  }

  read(del: ReadDel): void {
    const entry = this.#entries.get(del.id);
    if (entry === undefined) return;
    entry.del = del;
    const sharing = this.#ofKey.get(del.key) ?? new Set();
    this.#ofKey.set(del.key, sharing.add(entry));
  }

  /** The API server answers: DELs that have failed are tried now. */
  clusterKnown(nowMs: number): void {
    this.#askedWhileAway = undefined;
    for (const entry of this.#entries.values()) entry.dueMs = Math.min(entry.dueMs, nowMs);
  }

  /**
   * The DEL to try now; undefined if there is none. It takes a lane until {@link ended} or {@link leaveLane}.
   *
   * While the API server does not answer, each look starts one new DEL that asks it and one that failed before.
   * Hundreds would only fail one after the other, and each API server that comes back would be flooded.
   */
  next(nowMs: number, isBusy: (key: string) => boolean): ReadDel | undefined {
    for (const lane of lanes) {
      const taken = [...this.#lanes.values()].filter((other) => other === lane).length;
      if (taken >= LANES[lane]) continue;
      const found = this.#longestDue(lane, nowMs, isBusy);
      if (found?.del === undefined) continue;
      found.isRunning = true;
      this.#lanes.set(found.id, lane);
      if (found.del.asksCluster) this.#askedWhileAway?.add(lane);
      return found.del;
    }
    return undefined;
  }

  /** The DEL is stuck: others get its lane. It is not tried again while it runs. */
  leaveLane(id: string): void {
    this.#lanes.delete(id);
  }

  ended(id: string, outcome: Outcome, nowMs: number): void {
    this.#lanes.delete(id);
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.isRunning = false;
    if (outcome === 'gone') this.#forget(entry);
    if (outcome !== 'failed') return;
    entry.backOff ??= new BackOff(RETRY);
    entry.dueMs = nowMs + entry.backOff.next();
  }

  /**
   * Whether this DEL has found an API server that answers. One that failed before does not count against it: others may
   * succeed all the time.
   */
  clusterAnswers(id: string, answers: boolean): void {
    if (answers) this.#askedWhileAway = undefined;
    else if (this.#entries.get(id)?.backOff === undefined) this.#askedWhileAway ??= new Set(lanes);
  }

  #longestDue(lane: Lane, nowMs: number, isBusy: (key: string) => boolean): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries.values()) {
      const { del, dueMs, isRunning } = entry;
      if (del === undefined || isRunning || dueMs > nowMs || laneOf(entry, del) !== lane) continue;
      if (first !== undefined && first.dueMs <= dueMs) continue;
      if (del.asksCluster && (this.#askedWhileAway?.has(lane) === true || this.#nodeComesFirst(del.key)))
        continue;
      if (isBusy(del.key)) continue;
      first = entry;
      // New DELs stand in the order in which they were queued.
      if (lane !== 'again') break;
    }
    return first;
  }

  /** The node's part of a pod goes before its addresses are released. */
  #nodeComesFirst(key: string): boolean {
    return [...(this.#ofKey.get(key) ?? [])].some(
      ({ del, backOff, isRunning }) => del?.asksCluster === false && backOff === undefined && !isRunning,
    );
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.id);
    if (entry.del === undefined) return;
    const sharing = this.#ofKey.get(entry.del.key);
    sharing?.delete(entry);
    if (sharing?.size === 0) this.#ofKey.delete(entry.del.key);
  }
}

function laneOf({ backOff }: Entry, { asksCluster }: ReadDel): Lane {
  if (backOff !== undefined) return 'again';
  return asksCluster ? 'cluster' : 'node';
}
