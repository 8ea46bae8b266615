// The lab's long-running programs. Each has a log file and is restarted when it dies, as in a cluster.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { BackOff, type Clock, OrbError } from '#base';

export interface Program {
  /** The name of the program, and of its log file. */
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly environment?: NodeJS.ProcessEnv;
  /** Descriptors that the program gets as 3, 4 …. They outlive it, so that a restarted program listens at the same place. */
  readonly descriptors?: readonly number[];
}

export interface SupervisorParts {
  readonly clock: Clock;
  readonly logFolder: string;
  /** Called when a program died and is restarted. */
  readonly say: (line: string) => void;
}

/** Starts programs and keeps them running until {@link Supervisor.stop}. */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #running = new Map<string, ChildProcess>();
  readonly #ended = new Set<string>();
  readonly #stopping = new AbortController();

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    mkdirSync(parts.logFolder, { recursive: true });
  }

  /** The file that gets a program's output. */
  logOf(name: string): string {
    return join(this.#parts.logFolder, `${name}.log`);
  }

  start(program: Program): void {
    void this.#keep(program);
  }

  /** Ends one program and does not restart it. */
  async end(name: string): Promise<void> {
    this.#ended.add(name);
    const child = this.#running.get(name);
    if (child === undefined) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  }

  /** Ends all programs: first with a request, then by force those that still run after 2 s. */
  async stop(): Promise<void> {
    this.#stopping.abort(new OrbError('LAB_STEP_FAILED', { message: 'the lab ends' }));
    const children = [...this.#running.values()];
    const ended = Promise.all(children.map((child) => once(child, 'exit')));
    for (const child of children) child.kill('SIGTERM');
    await Promise.race([ended, this.#parts.clock.sleep(2000)]);
    for (const child of this.#running.values()) child.kill('SIGKILL');
  }

  async #keep(program: Program): Promise<void> {
    const backOff = new BackOff({ firstMs: 100, maximumMs: 5000 });
    const { signal } = this.#stopping;
    const isOver = () => signal.aborted || this.#ended.has(program.name);
    while (!isOver()) {
      const why = await this.#run(program);
      if (isOver()) return;
      this.#parts.say(
        `${program.name} ended (${why}) and is started again; its log: ${this.logOf(program.name)}`,
      );
      await this.#parts.clock.sleep(backOff.next(), signal).catch(() => {});
    }
  }

  /** Runs the program once and resolves with how it ended. */
  async #run({ name, argv, environment, descriptors = [] }: Program): Promise<string> {
    const log = openSync(this.logOf(name), 'a');
    const [command, ...args] = argv;
    const child = spawn(command, args, {
      stdio: ['ignore', log, log, ...descriptors],
      // The program has its own session: Ctrl-C reaches only the lab, which ends its programs in order.
      detached: true,
      ...(environment !== undefined && { env: environment }),
    });
    closeSync(log);
    this.#running.set(name, child);
    try {
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
      return signal ?? `exit code ${code}`;
    } catch (error) {
      return String(error);
    } finally {
      this.#running.delete(name);
    }
  }
}
