// The baseline of the scale benchmark: the algorithm of Spiderpool's agent. Each request reads the pool, picks an
// address and writes the status. After a conflict it tries again, five times in all (Spiderpool 1.2,
// pkg/ippoolmanager: waits of 10 ms, each 1.5 times the one before).

import { resources } from '#api';
import { isOrbError } from '#base';
import type { KubeClient } from '#kube';
import { applyOperations, PoolLedger, type PoolOperation, reservedAddresses } from '#plan/ipam';
import type { IpamMetrics } from '../../src/agent/ipam/metrics.ts';
import type { Order } from './order.ts';

const TRIES = 5;
const FIRST_WAIT_MS = 10;
const FACTOR = 1.5;
/** Kubelet calls a failed ADD again, with a new sandbox, after about a second. */
const KUBELET_RETRY_MS = 1000;

export class UpstreamWriter {
  readonly #client: KubeClient & { close(): void };
  readonly #pool: string;
  readonly #limitMs: number;
  #beganMs: number | undefined;
  readonly #metrics: IpamMetrics;

  constructor(
    client: KubeClient & { close(): void },
    { nics, limitMs }: Pick<Order, 'nics' | 'limitMs'>,
    metrics: IpamMetrics,
  ) {
    this.#client = client;
    this.#pool = nics[0]?.ipv4[0] ?? '';
    this.#limitMs = limitMs;
    this.#metrics = metrics;
  }

  /** Which address it is, only the pool says. */
  async allocate(pod: string): Promise<{ podUid: string; addresses: string[] }> {
    const owner = { pod: `default/${pod}`, podUid: `uid-of-${pod}`, nic: 'eth0' };
    await this.#untilDone({ verb: 'allocate', owner });
    return { podUid: owner.podUid, addresses: [] };
  }

  async release(_pod: string, podUid: string): Promise<void> {
    await this.#untilDone({ verb: 'release', release: { scope: 'pod', podUid } });
  }

  async stop(): Promise<void> {
    this.#client.close();
  }

  /** Plays kubelet, which repeats what failed. */
  async #untilDone(operation: PoolOperation): Promise<void> {
    this.#beganMs ??= performance.now();
    const endMs = this.#beganMs + this.#limitMs;
    for (;;) {
      if (performance.now() > endMs) throw new Error(`exhaust all retries (${TRIES} times)`);
      if (await this.#tryFiveTimes(operation)) return;
      await new Promise((resolve) => setTimeout(resolve, KUBELET_RETRY_MS));
    }
  }

  async #tryFiveTimes(operation: PoolOperation): Promise<boolean> {
    let waitMs = FIRST_WAIT_MS;
    for (let tries = 0; tries < TRIES; tries++) {
      if (await this.#tryOnce(operation)) return true;
      this.#metrics.conflicted(operation.verb === 'allocate' ? 'allocation' : 'release');
      await new Promise((resolve) => setTimeout(resolve, waitMs * (1 + 0.1 * Math.random())));
      waitMs *= FACTOR;
    }
    return false;
  }

  /** False after a conflict. */
  async #tryOnce(operation: PoolOperation): Promise<boolean> {
    const object = await this.#client.get(resources.spiderIPPools, { name: this.#pool });
    const context = { reserved: reservedAddresses([]), resting: new Map(), nowMs: 0 };
    const { ledger, outcomes, changed } = applyOperations(PoolLedger.read(object), [operation], context);
    if (outcomes[0]?.verb === 'refused') throw new Error(outcomes[0].reason);
    if (!changed) return true;
    try {
      await this.#client.updateStatus(resources.spiderIPPools, { ...object, status: ledger.status });
      this.#metrics.wrote(1);
      return true;
    } catch (error) {
      if (!isOrbError(error, 'KUBE_CONFLICT')) throw error;
      return false;
    }
  }
}
