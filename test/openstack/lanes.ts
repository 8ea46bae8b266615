// The lanes of a run: each has a cloud of its own, and takes the next file when it has tried one.

import { spawn } from 'node:child_process';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LaneLine } from './lane.ts';

type Print = (text: string) => void;

interface LaneOptions {
  /** The command line of a lane. */
  readonly argvOf: (lane: number) => readonly string[];
  /** What its processes have in their environment besides ours. */
  readonly env: Readonly<Record<string, string>>;
}

/** Tries the files in `count` lanes, in their order. Returns the names of those that failed. */
export async function tryInLanes(
  files: readonly string[],
  count: number,
  { argvOf, env }: LaneOptions,
): Promise<string[]> {
  const waiting = [...files];
  const failed: string[] = [];
  const tryWaiting = async (_: unknown, index: number) => {
    const lane = new Lane(argvOf(index), env);
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const passed = await withOutput(count === 1, (print) => lane.tryFile(file, print));
      if (!passed) failed.push(basename(file));
    }
    await lane.end();
  };
  await Promise.all(Array.from({ length: count }, tryWaiting));
  return failed;
}

/** Prints at once where no other lane prints, else when `run` is done, so that the outputs of two files do not mix. */
async function withOutput<Result>(isAlone: boolean, run: (print: Print) => Promise<Result>): Promise<Result> {
  if (isAlone) return await run((text) => process.stdout.write(text));
  let all = '';
  const result = await run((text) => {
    all += text;
  });
  process.stdout.write(all);
  return result;
}

class Lane {
  readonly #program;
  readonly #lines: AsyncIterator<string>;

  constructor(argv: readonly string[], env: LaneOptions['env']) {
    const stdio = ['pipe', 'pipe', 'inherit'] as const;
    this.#program = spawn(process.execPath, [join(import.meta.dirname, 'lane.ts'), ...argv], {
      stdio: [...stdio],
      env: { ...process.env, ...env },
    });
    // Its end is seen at its output.
    this.#program.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#program.stdout })[Symbol.asyncIterator]();
  }

  /** Whether its tests passed. A lane that has ended passes nothing. */
  async tryFile(file: string, print: Print): Promise<boolean> {
    this.#program.stdin.write(`${file}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) return false;
      const line = JSON.parse(value) as LaneLine;
      if ('passed' in line) return line.passed;
      print(line.text);
    }
  }

  /** Stops its servers. */
  async end(): Promise<void> {
    this.#program.stdin.end();
    for (let next = await this.#lines.next(); next.done !== true; ) next = await this.#lines.next();
  }
}
