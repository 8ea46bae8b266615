// Both sides of a benchmark program in its own namespaces. The program carries out its parent's orders, one after the other.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { errorText } from '#base';
import { endProgram } from '#program';

interface Reply {
  readonly answer?: unknown;
  readonly error?: string;
}

/** The parent's side. The child ends with this process, and with it everything that it started. */
export class NodeProcess<Order extends object> {
  readonly #child: ChildProcess;

  /** `program` is a file of this folder. */
  constructor(program: string, environment: Readonly<Record<string, string>> = {}) {
    const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const argv = [...namespaces, process.execPath, join(import.meta.dirname, program)];
    this.#child = spawn('unshare', argv, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...environment },
    });
  }

  order(order: Order): Promise<unknown> {
    const child = this.#child;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const ended = () => reject(new Error('the node of the benchmark ended: see above'));
    child.once('exit', ended);
    child.once('message', ({ answer, error }: Reply) => {
      child.off('exit', ended);
      if (error === undefined) resolve(answer);
      else reject(new Error(error));
    });
    child.send(order);
    return promise;
  }

  get ended(): boolean {
    return this.#child.exitCode !== null;
  }
}

/** The child's side: carries out every order, and ends after the order `stop` or with its parent. */
export function obeyParent<Order extends { readonly do: string }>(
  obey: (order: Order) => Promise<unknown>,
): void {
  process.on('disconnect', () => void endProgram(1));
  process.on('message', (order: Order) => {
    obey(order).then(
      (answer) =>
        process.send?.({ answer } satisfies Reply, () => {
          if (order.do === 'stop') void endProgram(0);
        }),
      (error: unknown) => process.send?.({ error: errorText(error) } satisfies Reply),
    );
  });
}
