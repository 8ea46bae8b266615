// A lab of the program `orbctl lab`, until it is stopped.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export class RunningLab {
  /** The file for kubectl and clients. */
  readonly kubeconfig: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, kubeconfig: string) {
    this.#child = child;
    this.kubeconfig = kubeconfig;
  }

  /** Resolves when the lab is ready. */
  static async start(): Promise<RunningLab> {
    const program = join(import.meta.dirname, '../../dist/orbctl.mjs');
    const child = spawn(process.execPath, [program, 'lab'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      told += String(chunk);
      if (told.includes('Logs:')) break;
    }
    child.stdout.resume();
    const kubeconfig = /export KUBECONFIG=(\S+)/.exec(told)?.[1];
    assert.ok(kubeconfig !== undefined, told);
    return new RunningLab(child, kubeconfig);
  }

  /** The process id of the lab's program that `script` of dist/ is. Other labs may run beside this one. */
  processOf(script: string): number {
    const found = family(this.#child.pid ?? 0).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`dist/${script}`),
    );
    assert.ok(found !== undefined, `the lab runs no ${script}`);
    return found;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGINT');
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }
}

/** All processes below one, itself included. */
function family(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return [];
  const children = readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(family)];
}
