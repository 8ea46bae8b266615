// The parent's side of cni-node.ts: starts a node in namespaces of its own and gives it orders.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Chain, Order, Storm } from './cni-node.ts';

/** A node for benchmarks: a process that ends when this one does, and with it whatever it started. */
export class BenchNode {
  readonly #child: ChildProcess;

  constructor() {
    const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const argv = [...namespaces, process.execPath, join(import.meta.dirname, 'cni-node.ts')];
    this.#child = spawn('unshare', argv, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  /** Sandboxes of a chain with their pods. */
  async prepare(chain: Chain, count: number): Promise<void> {
    await this.#order({ do: 'prepare', chain, count });
  }

  /** ADDs of sandboxes `first` … at once: microseconds of each. */
  async add(chain: Chain, first: number, count: number): Promise<number[]> {
    return (await this.#order({ do: 'launch', verb: 'ADD', chain, first, count })) as number[];
  }

  /** As {@link BenchNode.add}, and the DELs of the same after it, which are not counted. */
  async addThenDel(chain: Chain, first: number, count: number): Promise<number[]> {
    const times = await this.add(chain, first, count);
    await this.#order({ do: 'launch', verb: 'DEL', chain, first, count });
    return times;
  }

  /** ADDs of IPAM alone on one pool that has exactly `count` addresses. */
  async storm(count: number, atOnce: number): Promise<Storm> {
    return (await this.#order({ do: 'storm', count, atOnce })) as Storm;
  }

  /** Megabytes that the agent holds. */
  async residentMb(): Promise<number> {
    return (await this.#order({ do: 'resident' })) as number;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    await this.#order({ do: 'stop' });
  }

  #order(order: Order): Promise<unknown> {
    const child = this.#child;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const ended = () => reject(new Error('the node of the benchmark ended: see above'));
    child.once('exit', ended);
    child.once('message', ({ answer, error }: { answer?: unknown; error?: string }) => {
      child.off('exit', ended);
      if (error === undefined) resolve(answer);
      else reject(new Error(error));
    });
    child.send(order);
    return promise;
  }
}
