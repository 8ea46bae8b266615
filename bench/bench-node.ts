// The parent's side of cni-node.ts: starts a node in namespaces of its own and gives it orders.

import type { Chain, Order, Storm } from './cni-node.ts';
import { NodeProcess } from './node-process.ts';

/** A node for benchmarks of whole chains of plugins. */
export class BenchNode {
  readonly #process = new NodeProcess<Order>('cni-node.ts');

  /** Sandboxes of a chain with their pods. */
  async prepare(chain: Chain, count: number): Promise<void> {
    await this.#process.order({ do: 'prepare', chain, count });
  }

  /** ADDs of sandboxes `first` … at once: microseconds of each. */
  async add(chain: Chain, first: number, count: number): Promise<number[]> {
    return (await this.#process.order({ do: 'launch', verb: 'ADD', chain, first, count })) as number[];
  }

  /** As {@link BenchNode.add}, and the DELs of the same after it, which are not counted. */
  async addThenDel(chain: Chain, first: number, count: number): Promise<number[]> {
    const times = await this.add(chain, first, count);
    await this.#process.order({ do: 'launch', verb: 'DEL', chain, first, count });
    return times;
  }

  /** ADDs of IPAM alone on one pool that has exactly `count` addresses. */
  async storm(count: number, atOnce: number): Promise<Storm> {
    return (await this.#process.order({ do: 'storm', count, atOnce })) as Storm;
  }

  /** Megabytes that the agent holds. */
  async residentMb(): Promise<number> {
    return (await this.#process.order({ do: 'resident' })) as number;
  }

  async stop(): Promise<void> {
    if (!this.#process.ended) await this.#process.order({ do: 'stop' });
  }
}
