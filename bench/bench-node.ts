// The parent's side of cni-node.ts: starts a node in its own namespaces and gives it orders.

import type { Chain, Order, Storm } from './cni-node.ts';
import { NodeProcess } from './node-process.ts';

/** A node for benchmarks of whole chains of plugins. */
export class BenchNode {
  readonly #process = new NodeProcess<Order>('cni-node.ts');

  /** Makes sandboxes of a chain with their pods. */
  async prepare(chain: Chain, count: number): Promise<void> {
    await this.#process.order({ do: 'prepare', chain, count });
  }

  /** Runs ADDs of sandboxes `first` … at once. Resolves with the microseconds of each. */
  async add(chain: Chain, first: number, count: number): Promise<number[]> {
    return (await this.#process.order({ do: 'launch', verb: 'ADD', chain, first, count })) as number[];
  }

  /** Like {@link BenchNode.add}, then runs DELs of the same sandboxes, which are not measured. */
  async addThenDel(chain: Chain, first: number, count: number): Promise<number[]> {
    const times = await this.add(chain, first, count);
    await this.#process.order({ do: 'launch', verb: 'DEL', chain, first, count });
    return times;
  }

  /** Runs ADDs of IPAM alone on one pool with exactly `count` addresses. */
  async storm(count: number, atOnce: number): Promise<Storm> {
    return (await this.#process.order({ do: 'storm', count, atOnce })) as Storm;
  }

  /** The memory of the agent, in megabytes. */
  async residentMb(): Promise<number> {
    return (await this.#process.order({ do: 'resident' })) as number;
  }

  async stop(): Promise<void> {
    if (!this.#process.ended) await this.#process.order({ do: 'stop' });
  }
}
