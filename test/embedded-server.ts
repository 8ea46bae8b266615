// The embedded API server as a process of its own, for suites that see it from outside.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class EmbeddedServer {
  readonly kubeconfig: string;
  readonly #process: ChildProcess;

  private constructor(kubeconfig: string, process: ChildProcess) {
    this.kubeconfig = kubeconfig;
    this.#process = process;
  }

  /** Resolves when the server serves; its state and its kubeconfig are in `folder`. */
  static async start(folder: string): Promise<EmbeddedServer> {
    const program = join(import.meta.dirname, '../src/main/apiserver.ts');
    const kubeconfig = join(folder, 'kubeconfig');
    const flags = ['--data-dir', join(folder, 'data'), '--token-file', join(folder, 'token')];
    const argv = [program, ...flags, '--kubeconfig', kubeconfig];
    const server = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await Promise.race([
      once(createInterface({ input: server.stdout }), 'line'),
      once(server, 'exit').then(() => {
        throw new Error('the embedded API server did not start');
      }),
    ])) as [string];
    JSON.parse(line);
    return new EmbeddedServer(kubeconfig, server);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill('SIGTERM');
    await once(this.#process, 'exit');
  }
}
