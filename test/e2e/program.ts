// Runs the harness's programs: to their end, or in the background with a log and a pid file.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs a program to its end and returns its output. An exit code other than 0 is an error with its stderr. */
export function runProgram(command: string, args: readonly string[], input = ''): string {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20, input });
  if (done.status === 0) return done.stdout;
  throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr.trim()}`);
}

/** Repeats `look` until it is true. The default timeout suits a busy machine, and costs nothing when all is well. */
export async function until(what: string, look: () => boolean | Promise<boolean>, timeoutMs = 30_000) {
  for (const deadline = performance.now() + timeoutMs; !(await look()); await sleep(5)) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
  }
}

/**
 * A background program. Its pid is in a file, so that another process (a hook of the conformance runner) can
 * stop a program that this process has started.
 */
export class Daemon {
  readonly name: string;
  readonly logFile: string;
  readonly #pidFile: string;
  readonly #argv: readonly [string, ...string[]];

  constructor(name: string, folder: string, argv: readonly [string, ...string[]]) {
    this.name = name;
    this.logFile = join(folder, `${name}.log`);
    this.#pidFile = join(folder, `${name}.pid`);
    this.#argv = argv;
  }

  /** Its process id; undefined when it does not run. */
  get pid(): number | undefined {
    try {
      const pid = Number(readFileSync(this.#pidFile, 'utf8'));
      return runs(pid) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** Starts it, and resolves when `isUp` returns true. When it ends before that, the error has the end of its log. */
  async start(isUp: () => boolean | Promise<boolean>, timeoutMs?: number): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const [command, ...args] = this.#argv;
    const child = spawn(command, args, { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    child.unref();
    writeFileSync(this.#pidFile, String(child.pid));
    const look = async () => {
      if (this.pid === undefined) throw new Error(`${this.name} ended: ${this.log.slice(-2000)}`);
      return await isUp();
    };
    await until(`${this.name} is up`, look, timeoutMs);
  }

  /** Sends the signal, and resolves when the program is gone. Does nothing when it does not run. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { pid } = this;
    if (pid !== undefined) {
      process.kill(pid, signal);
      await until(`${this.name} ends after ${signal}`, () => !runs(pid));
    }
    rmSync(this.#pidFile, { force: true });
  }
}

/** A zombie, whose parent has not read its exit code, does not count. */
function runs(pid: number): boolean {
  try {
    return !/^[0-9]+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
