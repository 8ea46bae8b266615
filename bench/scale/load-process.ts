// A process with some of the agents, as the benchmark sees it.

import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { kill, startProgram } from './api-server.ts';
import type { Given, LoadOutcome, Order } from './order.ts';

export class LoadProcess {
  /** What its pods got, in this order. */
  readonly given: Given[] = [];
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #isKilled = false;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  /** Resolves when all its agents have listed the cluster. */
  static async start(order: Order): Promise<LoadProcess> {
    const program = join(import.meta.dirname, '../scale-load.ts');
    const child = startProgram([process.execPath, program, JSON.stringify(order)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const load = new LoadProcess(
      child,
      createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator](),
    );
    await load.#line();
    return load;
  }

  /** Runs the load. Undefined if the process was killed. */
  async run(): Promise<LoadOutcome | undefined> {
    this.#child.stdin?.end('go\n');
    for (;;) {
      const line = await this.#line();
      if (line === undefined) return undefined;
      const said = JSON.parse(line) as Given | LoadOutcome;
      if (!('pod' in said)) return said;
      this.given.push(said);
    }
  }

  /** Ends it as a crash does. */
  kill(): Promise<void> {
    this.#isKilled = true;
    return kill(this.#child);
  }

  /** Undefined after {@link LoadProcess.kill}. */
  async #line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    if (done !== true) return value as string;
    // The output may end before the process is known to have ended.
    if (this.#isKilled) return undefined;
    throw new Error('a load process ended early: see above');
  }
}
