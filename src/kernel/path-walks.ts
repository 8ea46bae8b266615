// Walks along paths that others have named: a file system may never answer, and then no thread that serves others waits for it.

import { OrbError } from '#base';

/** How many threads may walk at once, and how long a caller waits for its walk. */
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
 * Each walk takes a thread of libuv's pool. A walk that hangs keeps its thread until the kernel gives it back, and nothing can force
 * that. So the number of threads is bounded, and a path that hangs is not walked a second time.
 */
export class PathWalks {
  readonly #limits: WalkLimits;
  readonly #waiting: Waiting[] = [];
  readonly #walking = new Set<string>();
  /** Those being walked whose caller has given up. */
  readonly #hanging = new Set<string>();

  constructor(limits: WalkLimits) {
    this.#limits = limits;
  }

  /**
   * What the walk finds. `discard` gets what it finds after the caller has given up.
   * @throws OrbError NETNS_UNREACHABLE where the file system does not answer in time, or all threads wait for others
   */
  async run<T>(path: string, walk: () => Promise<T>, discard: (found: T) => void): Promise<T> {
    if (this.#hanging.has(path)) throw unreachable(path, 'an earlier request still waits for it');
    const caller: Caller = { begun: false, givenUp: false };
    const walked = this.#inTurn(path, caller, walk);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      caller.givenUp = true;
      if (caller.begun) this.#hanging.add(path);
      walked.then(discard, () => {});
      const others = [...this.#walking].slice(0, 4).join(', ');
      late.reject(unreachable(path, caller.begun ? undefined : `its turn has not come: ${others}`));
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

  /** Each path has one thread at most: many requests with the same path do not take all threads. */
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
