// Group commit for one pool: one write answers all requests that arrived during the write before it.

import { BackOff, type Clock, errorText, isOrbError, type Logger } from '#base';
import { formatAddress } from '#ip';
import {
  applyOperations,
  type PickContext,
  type PoolLedger,
  type PoolOperation,
  type PoolOutcome,
  reservedAddresses,
} from '#plan/ipam';
import type { PoolMetrics } from './metrics.ts';
import type { PoolCopy, PoolState } from './pool-copy.ts';

/** What a committer is given. */
export interface CommitterOptions {
  readonly copy: PoolCopy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: PoolMetrics;
  /** The reserved and resting addresses now. */
  readonly context: () => PickContext;
  /**
   * Whether an address is released again if its request ended during the write; true by default. The leader keeps it: an
   * agent that lost the connection finds the record and uses it.
   */
  readonly releasesAbandoned?: boolean;
  /** Asked before each write. By default, that of an agent. */
  readonly gathering?: () => Gathering;
}

interface Waiting {
  readonly operation: PoolOperation;
  readonly signal: AbortSignal;
  readonly resolve: (outcome: PoolOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The wait between retries after a conflict. It starts at about the time of one write and grows while conflicts
 * continue.
 */
const conflictBackOff = { firstMs: 4, maximumMs: 1000 };
/** How a committer waits for more requests before it writes, while requests overlap. A request that is alone never waits. */
export interface Gathering {
  /**
   * The minimum time between the starts of two writes. The next write also waits as long after the end of a write as it
   * took, but no longer than this: the answers to a write make new requests, which would miss it otherwise.
   */
  readonly gapMs: number;
  /** When this many requests wait, they are written without waiting for more. */
  readonly fullBatch: number;
}

/** With 16 parallel ADDs, several share one write, although each spends most of its time elsewhere. */
const gatheringOfAgent: Gathering = { gapMs: 30, fullBatch: 8 };
/** How long an overlap of requests counts. */
const CROWD_MEMORY_MS = 100;

export class PoolCommitter {
  readonly #options: CommitterOptions;
  readonly #gathering: () => Gathering;
  readonly #backOff = new BackOff(conflictBackOff);
  #waiting: Waiting[] = [];
  /**
   * `soon`: the write starts in this turn of the event loop. `busy`: a request that arrives now overlaps with another.
   */
  #state: 'idle' | 'soon' | 'busy' = 'idle';
  #crowdedUntilMs = Number.NEGATIVE_INFINITY;
  #lastWrite = { beganMs: Number.NEGATIVE_INFINITY, tookMs: 0 };
  /** Ends the wait for more requests. */
  #full: AbortController | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#gathering = options.gathering ?? (() => gatheringOfAgent);
  }

  /**
   * Performs the operation with the next write. Rejects if the pool cannot be read or written. Rejects with the
   * signal's reason if the signal aborts first: see {@link CommitterOptions.releasesAbandoned}.
   */
  submit(operation: PoolOperation, signal: AbortSignal): Promise<PoolOutcome> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      this.#waiting.push({ operation, signal, resolve, reject });
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      if (this.#state === 'busy') {
        this.#crowdedUntilMs = this.#options.clock.monotonic() + CROWD_MEMORY_MS;
        if (this.#waiting.length >= this.#gathering().fullBatch) this.#full?.abort();
      } else if (this.#state === 'idle') {
        this.#state = 'soon';
        // The write starts in a later microtask, so that requests of one turn, such as two NICs of one pod, share it.
        queueMicrotask(() => void this.#run());
      }
    });
  }

  async #run(): Promise<void> {
    this.#state = 'busy';
    while (this.#waiting.length > 0) {
      await this.#gather();
      const batch: Waiting[] = [];
      try {
        await this.#commit(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#state = 'idle';
  }

  async #gather(): Promise<void> {
    const { clock } = this.#options;
    const nowMs = clock.monotonic();
    const { gapMs, fullBatch } = this.#gathering();
    const { beganMs, tookMs } = this.#lastWrite;
    const waitMs = beganMs + Math.max(gapMs, tookMs + Math.min(gapMs, tookMs)) - nowMs;
    if (nowMs >= this.#crowdedUntilMs || waitMs <= 0 || this.#waiting.length >= fullBatch) return;
    this.#full = new AbortController();
    await clock.sleep(waitMs, this.#full.signal).catch(() => {});
    this.#full = undefined;
  }

  /**
   * Writes until the server accepts a write. `batch` then holds the requests that this write answered. Requests that
   * arrive between two tries join it.
   */
  async #commit(batch: Waiting[]): Promise<void> {
    const { copy, clock, metrics } = this.#options;
    let state: PoolState | undefined;
    for (;;) {
      batch.push(...this.#waiting.splice(0));
      dropAborted(batch);
      const context = this.#contextFor(batch);
      if (batch.length === 0) return;
      const fresh = state !== undefined;
      state ??= await stateToWrite(copy);
      const operations = batch.map(({ operation }) => operation);
      const { outcomes, changed, ledger } = applyOperations(state.ledger, operations, context);
      // Only an accepted write proves that the copy was the newest. Answers without a write need a fresh read.
      if (!changed && !fresh) {
        state = await copy.read();
        continue;
      }
      if (changed && !(await this.#write(state, ledger, operations))) {
        await clock.sleep(this.#backOff.next());
        state = await copy.read();
        continue;
      }
      if (changed) metrics.wrote(operations.length);
      this.#answer(batch, outcomes);
      return;
    }
  }

  /** If the reserved addresses cannot be read, nothing is allocated. A release does not need them. */
  #contextFor(batch: Waiting[]): PickContext {
    try {
      return this.#options.context();
    } catch (error) {
      const releases = batch.filter(({ operation }) => operation.verb === 'release');
      for (const waiting of batch) if (waiting.operation.verb === 'allocate') waiting.reject(error);
      batch.splice(0, batch.length, ...releases);
      return { reserved: reservedAddresses([]), resting: new Map(), nowMs: this.#options.clock.monotonic() };
    }
  }

  /** Whether the server accepted the write; false on a conflict. */
  async #write(state: PoolState, ledger: PoolLedger, operations: readonly PoolOperation[]): Promise<boolean> {
    const { copy, clock, metrics } = this.#options;
    const beganMs = clock.monotonic();
    try {
      await copy.write(state, ledger);
      this.#backOff.reset();
      return true;
    } catch (error) {
      if (isOrbError(error, 'IPPOOL_NOT_FOUND')) throw error;
      if (!isOrbError(error, 'KUBE_CONFLICT')) {
        // The server may still have accepted the write. Only a read can tell.
        await copy.read().catch((reading: unknown) => {
          this.#options.log.debug({ pool: copy.name, error: errorText(reading) }, 'the pool cannot be read');
        });
        throw error;
      }
      metrics.conflicted(operations.some(({ verb }) => verb === 'allocate') ? 'allocation' : 'release');
      return false;
    } finally {
      this.#lastWrite = { beganMs, tookMs: clock.monotonic() - beganMs };
    }
  }

  #answer(batch: readonly Waiting[], outcomes: readonly PoolOutcome[]): void {
    for (const [index, waiting] of batch.entries()) {
      const outcome = outcomes[index] as PoolOutcome;
      if (waiting.signal.aborted) this.#giveBack(waiting.operation, outcome);
      else waiting.resolve(outcome);
    }
  }

  /**
   * Releases an address that nobody waits for any more. A repeat of the request comes after the release and gets its
   * own address.
   */
  #giveBack(operation: PoolOperation, outcome: PoolOutcome): void {
    if (operation.verb !== 'allocate' || outcome.verb !== 'allocated' || outcome.held) return;
    if (this.#options.releasesAbandoned === false) return;
    const { podUid, nic, pod } = operation.owner;
    const release = { scope: 'nic', podUid, nic } as const;
    const fields = { pool: this.#options.copy.name, pod, address: formatAddress(outcome.address) };
    this.submit({ verb: 'release', release }, new AbortController().signal).then(
      () => this.#options.log.info(fields, 'released an address whose request had ended'),
      // The DEL of the sandbox names the pod's UID and frees it.
      (error: unknown) =>
        this.#options.log.warn({ ...fields, error: errorText(error) }, 'could not release an address'),
    );
  }
}

/** Without a request, unless the copy is known to be old. */
async function stateToWrite(copy: PoolCopy): Promise<PoolState> {
  try {
    return copy.isBehind ? await copy.read() : copy.newest;
  } catch (error) {
    if (!isOrbError(error, 'IPPOOL_NOT_FOUND')) throw error;
    return copy.read();
  }
}

/** Drops requests whose signal has aborted: their callers already know. */
function dropAborted(batch: Waiting[]): void {
  const kept = batch.filter(({ signal }) => !signal.aborted);
  batch.splice(0, batch.length, ...kept);
}
