// Writes on the Node's status what the cloud has left for its pods, as countable resources. The scheduler then places the
// next pod elsewhere.

import { type Node, resources } from '#api';
import { BackOff, type Clock, errorText, type Logger } from '#base';
import type { KubeClient } from '#kube';
import { type Amounts, resourcePatch } from '#plan/openstack';

export interface NodeResourcesParts {
  readonly nodeName: string;
  /** The Node object as the watch last delivered it. */
  readonly node: () => Node | undefined;
  readonly amounts: () => Promise<Amounts>;
  readonly client: Pick<KubeClient, 'patch'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Others may write the status: kubelet does when it starts. */
const PERIOD_MS = 10_000;
/** Pods that come and go together are one write. */
const GATHER_MS = 200;

export class NodeResources {
  readonly #parts: NodeResourcesParts;
  #waked = new AbortController();
  /** The failure that the log reported last. */
  #said: string | undefined;

  constructor(parts: NodeResourcesParts) {
    this.#parts = parts;
  }

  /** An amount may have changed. */
  changed(): void {
    this.#waked.abort();
  }

  /** Compares again and again, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const backOff = new BackOff({ firstMs: PERIOD_MS, maximumMs: 60_000 });
    while (!signal.aborted) {
      this.#waked = new AbortController();
      try {
        await this.#compare(signal);
      } catch (error) {
        if (signal.aborted) return;
        const text = errorText(error);
        if (text !== this.#said)
          log.warn({ err: error }, 'the Node cannot be told how many addresses it has for pods');
        this.#said = text;
        await clock.sleep(backOff.next(), signal).catch(() => {}); // the agent leaves
        continue;
      }
      this.#said = undefined;
      backOff.reset();
      const ended = AbortSignal.any([signal, this.#waked.signal]);
      await clock.sleep(PERIOD_MS, ended).catch(() => {}); // waked, or the agent leaves
      if (this.#waked.signal.aborted) await clock.sleep(GATHER_MS, signal).catch(() => {});
    }
  }

  async #compare(signal: AbortSignal): Promise<void> {
    const { nodeName, node, amounts, client } = this.#parts;
    const wanted = await amounts();
    const known = node();
    const body = known && resourcePatch(known, wanted);
    if (body === undefined) return;
    const patch = { type: 'merge', subresource: 'status', body } as const;
    await client.patch(resources.nodes, { name: nodeName }, patch, { signal });
  }
}
