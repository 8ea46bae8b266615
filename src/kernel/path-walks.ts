// Resolves paths that callers have given. A file system may never answer; then no thread that serves others waits for
// it.

import { OrbError } from '#base';

/** How many threads may resolve paths at once, and how long a caller waits. */
export interface WalkLimits {
  readonly threads: number;
  readonly patienceMs: number;
}

interface Caller {
  begun: boolean;
  givenUp: boolean;
}

interface Waiting {
  readonly path: string;
  readonly admit: () => void;
}

/**
 * Each walk, which resolves one path, takes a thread of libuv's pool. A walk that hangs keeps its thread until the
 * kernel returns, and nothing can force that. The number of threads is therefore limited, and a path that hangs is not
 * walked again.
 */
export class PathWalks {
  readonly #limits: WalkLimits;
  readonly #waiting: Waiting[] = [];
  readonly #walking = new Set<string>();
  /** Paths whose walk still runs after its caller has given up. */
  readonly #hanging = new Set<string>();

  constructor(limits: WalkLimits) {
    this.#limits = limits;
  }

  /**
   * What the walk finds. `discard` gets the result if the caller has already given up.
   * @throws OrbError NETNS_UNREACHABLE if the file system does not answer in time, or if all threads wait for other
   * paths
   */
  async run<T>(path: string, walk: () => Promise<T>, discard: (found: T) => void): Promise<T> {
    if (this.#hanging.has(path)) throw unreachable(path, 'an earlier request for it still waits');
    const caller: Caller = { begun: false, givenUp: false };
    const walked = this.#inTurn(path, caller, walk);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      caller.givenUp = true;
      if (caller.begun) this.#hanging.add(path);
      walked.then(discard, () => {});
      const others = [...this.#walking].slice(0, 4).join(', ');
      late.reject(
        unreachable(path, caller.begun ? undefined : `the request waits for a free thread: ${others}`),
      );
    }, this.#limits.patienceMs);
    try {
      return await Promise.race([walked, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #inTurn<T>(path: string, caller: Caller, walk: () => Promise<T>): Promise<T> {
    if (this.#fits(path)) this.#walking.add(path);
    else await new Promise<void>((admit) => this.#waiting.push({ path, admit }));
    try {
      if (caller.givenUp) throw unreachable(path);
      caller.begun = true;
      return await walk();
    } finally {
      this.#walking.delete(path);
      this.#hanging.delete(path);
      this.#admitNext();
    }
  }

  /** Each path uses at most one thread. Many requests with the same path cannot take all threads. */
  #fits(path: string): boolean {
    return this.#walking.size < this.#limits.threads && !this.#walking.has(path);
  }

  #admitNext(): void {
    const at = this.#waiting.findIndex(({ path }) => this.#fits(path));
    const [next] = at === -1 ? [] : this.#waiting.splice(at, 1);
    if (next === undefined) return;
    this.#walking.add(next.path);
    next.admit();
    this.#admitNext();
  }
}

function unreachable(path: string, why?: string): OrbError {
  const reason = why === undefined ? '' : ` (${why})`;
  return new OrbError('NETNS_UNREACHABLE', {
    message: `the file system of ${path} does not answer${reason}`,
    subject: path,
  });
}
