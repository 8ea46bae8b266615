// Processes of pods. They start in a pod's network namespace, restart when they end, and are killed with the pod.

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '#api';
import { BackOff, type Clock, errorText, type Logger, timeText } from '#base';
import type { Sandbox } from './sandbox-store.ts';

/** Where the programs of a pod run. */
export type RunPlace = Pick<Sandbox, 'containerId' | 'netns'>;

export interface PodProcessesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly environment: NodeJS.ProcessEnv;
}

/** How a process ended: 128 if it could not be started, 137 if a signal ended it. */
interface ProcessEnd {
  readonly how: string;
  readonly exitCode: number;
}

function secondOf(clock: Clock): string {
  return timeText(clock.now());
}

/** The waits before a restart: like kubelet's CrashLoopBackOff, but shorter, because a lab lives shorter. */
const backOffSpan = { firstMs: 200, maximumMs: 10_000 };

/** The commands of a pod's containers, if the program is on this machine. Images are ignored. */
export function commandsOf(pod: Pod, path: string): string[][] {
  return (pod.spec?.containers ?? []).flatMap(({ command = [], args = [] }) => {
    const [program] = command;
    return program !== undefined && isProgram(program, path) ? [[...command, ...args]] : [];
  });
}

function isProgram(program: string, path: string): boolean {
  const candidates = program.includes('/')
    ? [program]
    : path.split(':').map((folder) => join(folder, program));
  return candidates.some((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false; // The file is absent or not executable: the next candidate may work.
    }
  });
}

/** A container that runs to its end. */
export interface Errand {
  readonly container: string;
  /** Absent if the image would give the command. The lab has no images, so such a container ends at once with success. */
  readonly command?: readonly string[];
}

/** How a container ended; times are RFC 3339. */
export interface ContainerEnd {
  readonly container: string;
  readonly exitCode: number;
  readonly restarts: number;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** The containers of a pod that ends at some time; undefined for a pod that runs for ever. */
export function errandsOf({ spec }: Pod): Errand[] | undefined {
  if ((spec?.restartPolicy ?? 'Always') === 'Always') return undefined;
  return (spec?.containers ?? []).map(({ name, command = [], args = [] }) => ({
    container: name,
    ...(command.length > 0 && { command: [...command, ...args] }),
  }));
}

/** The processes of all pods of a kubelet. They end when the kubelet ends, even if it is killed. */
export class PodProcesses {
  readonly #options: PodProcessesOptions;
  readonly #stops = new Map<string, AbortController>();

  constructor(options: PodProcessesOptions) {
    this.#options = options;
  }

  /** Starts the commands in a sandbox, unless they are running. */
  start({ containerId, netns }: RunPlace, commands: readonly (readonly string[])[]): void {
    if (commands.length === 0 || this.#stops.has(containerId)) return;
    const stop = new AbortController();
    this.#stops.set(containerId, stop);
    for (const command of commands) void this.#keep(netns, command, stop.signal);
  }

  /**
   * Runs errands to their end, once for each sandbox. If `again` is set, an errand that fails is run again. Then `tell` gets the results.
   */
  finish(
    { containerId, netns }: RunPlace,
    errands: readonly Errand[],
    again: boolean,
    tell: (ends: readonly ContainerEnd[]) => void,
  ): void {
    if (this.#stops.has(containerId)) return;
    const stop = new AbortController();
    this.#stops.set(containerId, stop);
    const { signal } = stop;
    void Promise.all(errands.map((errand) => this.#toEnd(netns, errand, again, signal))).then((ends) => {
      if (!signal.aborted) tell(ends);
    });
  }

  async #toEnd(netns: string, errand: Errand, again: boolean, signal: AbortSignal): Promise<ContainerEnd> {
    const backOff = new BackOff(backOffSpan);
    const { clock } = this.#options;
    const { container, command } = errand;
    for (let restarts = 0; ; restarts++) {
      const startedAt = secondOf(clock);
      const exitCode = command === undefined ? 0 : (await this.#run(netns, command, signal)).exitCode;
      const end = { container, exitCode, restarts, startedAt, finishedAt: secondOf(clock) };
      if (exitCode === 0 || !again || signal.aborted) return end;
      await clock.sleep(backOff.next(), signal).catch(() => {}); // aborted: the next run ends at once
    }
  }

  stop({ containerId }: RunPlace): void {
    this.#stops.get(containerId)?.abort();
    this.#stops.delete(containerId);
  }

  stopAll(): void {
    for (const stop of this.#stops.values()) stop.abort();
    this.#stops.clear();
  }

  async #keep(netns: string, command: readonly string[], signal: AbortSignal): Promise<void> {
    const backOff = new BackOff(backOffSpan);
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      const { how } = await this.#run(netns, command, signal);
      if (signal.aborted) return;
      log.info({ command: command.join(' '), how }, 'a process of a pod ended and is started again');
      await clock.sleep(backOff.next(), signal).catch(() => {}); // aborted: the loop ends
    }
  }

  /** Runs a command to its end. setpriv(1) makes the kernel kill it when the kubelet dies. */
  #run(netns: string, command: readonly string[], signal: AbortSignal): Promise<ProcessEnd> {
    return new Promise((resolve) => {
      const argv = ['--pdeathsig', 'KILL', 'nsenter', `--net=${netns}`, '--', ...command];
      const child: ChildProcess = spawn('setpriv', argv, {
        env: this.#options.environment,
        stdio: 'ignore',
        signal,
        killSignal: 'SIGKILL',
      });
      child.on('error', (error) => resolve({ how: errorText(error), exitCode: 128 }));
      child.on('exit', (code, killed) =>
        resolve({ how: `exit status ${code ?? killed}`, exitCode: code ?? 137 }),
      );
    });
  }
}
