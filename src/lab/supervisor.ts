// The lab's long-running programs: each with a log file, started again when it dies, as a cluster does it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { BackOff, type Clock, OrbError } from '#base';

export interface Program {
  /** Names its log file too. */
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly environment?: NodeJS.ProcessEnv;
  /** Descriptors that it gets as 3, 4 …: they outlive it, so that a restart listens where its predecessor did. */
  readonly descriptors?: readonly number[];
}

export interface SupervisorParts {
  readonly clock: Clock;
  readonly logFolder: string;
  /** Told when a program died and is started again. */
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

  /** Where a program's output goes. */
  logOf(name: string): string {
    return join(this.#parts.logFolder, `${name}.log`);
  }

  start(program: Program): void {
    void this.#keep(program);
  }

  /** Ends one program for good. */
  async end(name: string): Promise<void> {
    this.#ended.add(name);
    const child = this.#running.get(name);
    if (child === undefined) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  }

  /** Ends everything: first politely, those that do not listen after 2 s by force. */
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

  /** Runs it once and resolves with how it ended. */
  async #run({ name, argv, environment, descriptors = [] }: Program): Promise<string> {
    const log = openSync(this.logOf(name), 'a');
    const [command, ...args] = argv;
    const child = spawn(command, args, {
      stdio: ['ignore', log, log, ...descriptors],
      // A session of its own: Ctrl-C is for the lab, which ends its programs in order.
      detached: true,
      ...(environment === undefined ? {} : { env: environment }),
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
