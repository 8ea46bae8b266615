// Writes on the Node which CNI configuration the node uses. The controller reads it, to find the networks of the pods.

import { type Node, resources } from '#api';
import { BackOff, type Clock, errorText, type Logger } from '#base';
import type { KubeClient } from '#kube';
import { CLUSTER_CNI_ANNOTATION, type CniFile, clusterCni, clusterCniText } from '#plan/discovery';

/** The files are few and small, and change hardly ever. */
const PERIOD_MS = 5_000;

export interface ClusterCniReportParts {
  readonly nodeName: string;
  /** The Node object as the watch last delivered it. */
  readonly node: () => Node | undefined;
  /** The CNI configurations of the node. */
  readonly files: () => Promise<readonly CniFile[]>;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ClusterCniReport {
  readonly #parts: ClusterCniReportParts;
  /** The failure that the log reported last. */
  #said: string | undefined;

  constructor(parts: ClusterCniReportParts) {
    this.#parts = parts;
  }

  /** Compares again and again, until the signal aborts. It also repairs what others write. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const backOff = new BackOff({ firstMs: PERIOD_MS, maximumMs: 60_000 });
    while (!signal.aborted) {
      let waitMs = PERIOD_MS;
      try {
        await this.#compare(signal);
        this.#said = undefined;
        backOff.reset();
      } catch (error) {
        if (signal.aborted) return;
        const text = errorText(error);
        if (text !== this.#said) log.warn({ err: error }, 'the Node cannot be told its CNI configuration');
        this.#said = text;
        waitMs = backOff.next();
      }
      await clock.sleep(waitMs, signal).catch(() => {});
    }
  }

  async #compare(signal: AbortSignal): Promise<void> {
    const { nodeName, node, files, client, log } = this.#parts;
    const used = clusterCni(await files());
    const text = clusterCniText(used);
    const known = node();
    if (known === undefined || known.metadata.annotations?.[CLUSTER_CNI_ANNOTATION] === text) return;
    const body = { metadata: { annotations: { [CLUSTER_CNI_ANNOTATION]: text } } };
    await client.patch(resources.nodes, { name: nodeName }, { type: 'merge', body }, { signal });
    log.info({ network: used.name, types: used.types }, 'wrote on the Node which CNI configuration it uses');
  }
}
