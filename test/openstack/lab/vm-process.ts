// A VM of the lab, as its parent sees it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Answer, VmTasks } from './vm.ts';

type Task = keyof VmTasks;

export class VmProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 0;

  /** Starts it in the network namespace of this name. */
  constructor(name: string) {
    this.name = name;
    const file = join(import.meta.dirname, 'vm.ts');
    // The kernel gives `ip netns exec` a mount namespace of its own.
    this.#child = spawn('ip', ['netns', 'exec', name, process.execPath, file], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // A terminal's signals end the lab, which ends its VMs.
      detached: true,
    });
    this.#child.on('message', (message) => {
      const { id, value, error } = message as Answer;
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(`${name}: ${error}`));
    });
    this.#child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the process of ${name} has ended`));
    });
  }

  do<T extends Task>(task: T, ...words: Parameters<VmTasks[T]>): ReturnType<VmTasks[T]> {
    const id = this.#next++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, task, words });
    return waiting.promise as ReturnType<VmTasks[T]>;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    // It ends without an answer.
    void this.do('stop').catch(() => {});
    await ended;
  }
}
