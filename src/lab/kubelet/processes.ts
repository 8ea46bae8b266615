// Processes of pods: started in a pod's network namespace, started again when they end, killed with the pod.

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '#api';
import { BackOff, type Clock, errorText, type Logger } from '#base';
import type { Sandbox } from './sandbox-store.ts';

export interface PodProcessesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly environment: NodeJS.ProcessEnv;
}

/** Started again after these waits, as kubelet's CrashLoopBackOff but for a shorter life. */
const backOffSpan = { firstMs: 200, maximumMs: 10_000 };

/** The commands of a pod's containers whose program is on this machine; images are ignored. */
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
      return false; // not there, or not to be run: the next candidate may be
    }
  });
}

/** The processes of all pods of a kubelet; they end with it, however it ends. */
export class PodProcesses {
  readonly #options: PodProcessesOptions;
  readonly #stops = new Map<string, AbortController>();

  constructor(options: PodProcessesOptions) {
    this.#options = options;
  }

  /** Starts the commands in a sandbox, unless they run. */
  start({ containerId, netns }: Sandbox, commands: readonly (readonly string[])[]): void {
    if (commands.length === 0 || this.#stops.has(containerId)) return;
    const stop = new AbortController();
    this.#stops.set(containerId, stop);
    for (const command of commands) void this.#keep(netns, command, stop.signal);
  }

  stop({ containerId }: Sandbox): void {
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
      const how = await this.#run(netns, command, signal);
      if (signal.aborted) return;
      log.info({ command: command.join(' '), how }, 'a process of a pod ended, it is started again');
      await clock.sleep(backOff.next(), signal).catch(() => {}); // aborted: the loop ends
    }
  }

  /** Runs it to its end. setpriv(1): the kernel kills it when the kubelet dies. */
  #run(netns: string, command: readonly string[], signal: AbortSignal): Promise<string> {
    return new Promise((resolve) => {
      const argv = ['--pdeathsig', 'KILL', 'nsenter', `--net=${netns}`, '--', ...command];
      const child: ChildProcess = spawn('setpriv', argv, {
        env: this.#options.environment,
        stdio: 'ignore',
        signal,
        killSignal: 'SIGKILL',
      });
      child.on('error', (error) => resolve(errorText(error)));
      child.on('exit', (code, killed) => resolve(`exit status ${code ?? killed}`));
    });
  }
}
