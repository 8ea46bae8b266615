// Pods that got no address because their pools are exhausted. A runtime repeats a refused ADD with growing waits, for ever.
// The first refusal is told at once. A repeat waits before its turn (untilWorthwhile) until an address may be free. So it
// costs no request to the cluster, and the pod starts soon after.

import { type Clock, isOrbError } from '#base';

/** Throws IPPOOL_EXHAUSTED while nothing is free. Any other outcome ends the wait: the repeated ADD tells it. */
export type Attempt = (signal: AbortSignal) => Promise<unknown>;

interface Refusal {
  readonly attempt: Attempt;
  readonly atMs: number;
}

/**
 * How long a repeat waits at most: half of an ADD's 90 s. Programs between runtime and plugin may have less patience
 * than the runtime.
 */
const REPEAT_WAIT_MS = 45_000;
/**
 * The longest time between two looks at the watched pools. The actual time is random, so that the agents of a cluster do
 * not all write when one address becomes free: the first write is seen by most others before their next look.
 */
const LOOK_MS = 1000;
/** A runtime repeats more often than this. */
const MEMORY_MS = 600_000;

export class RefusedPods {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  /** By `namespace/name`, in the order of the refusals. */
  readonly #refusals = new Map<string, Refusal>();

  /** `random`: numbers from 0 to 1, for tests. */
  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Serves an ADD, and remembers how to try it if nothing is free. */
  async serve<T>(
    { podNamespace, podName }: { readonly podNamespace: string; readonly podName: string },
    work: () => Promise<T>,
    attempt: Attempt,
  ): Promise<T> {
    const pod = `${podNamespace}/${podName}`;
    try {
      const result = await work();
      this.#refusals.delete(pod);
      return result;
    } catch (error) {
      if (isOrbError(error, 'IPPOOL_EXHAUSTED')) this.#remember(pod, attempt);
      throw error;
    }
  }

  /** Whether an ADD of the pod found no free address since the last success, in the last ten minutes. */
  has({ podNamespace, podName }: { readonly podNamespace: string; readonly podName: string }): boolean {
    return this.#refusals.has(`${podNamespace}/${podName}`);
  }

  /** Resolves when another try of the pod may succeed, or after {@link REPEAT_WAIT_MS}. Rejects if the signal aborts. */
  async untilWorthwhile(
    { namespace, name }: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<void> {
    const refusal = this.#refusals.get(`${namespace}/${name}`);
    const endMs = this.#clock.monotonic() + REPEAT_WAIT_MS;
    if (refusal === undefined) return;
    const { signal: stopped } = this.#stop;
    const either = AbortSignal.any([signal, stopped]);
    while (
      !stopped.aborted &&
      this.#clock.monotonic() < endMs &&
      (await isRefused(refusal.attempt, signal))
    ) {
      await this.#clock.sleep((0.25 + 0.75 * this.#random()) * LOOK_MS, either).catch(() => {
        // The agent stops: the repeat is refused, and the runtime asks the next agent.
        signal.throwIfAborted();
      });
    }
  }

  /** No repeat waits any more. */
  stop(): void {
    this.#stop.abort();
  }

  #remember(pod: string, attempt: Attempt): void {
    const nowMs = this.#clock.monotonic();
    this.#refusals.delete(pod);
    this.#refusals.set(pod, { attempt, atMs: nowMs });
    for (const [name, { atMs }] of this.#refusals) {
      if (nowMs - atMs < MEMORY_MS) break;
      this.#refusals.delete(name);
    }
  }
}

async function isRefused(attempt: Attempt, signal: AbortSignal): Promise<boolean> {
  try {
    await attempt(signal);
    return false;
  } catch (error) {
    return isOrbError(error, 'IPPOOL_EXHAUSTED');
  }
}
