// Makes up for DELs that never come. A Multus that dies forgets the networks of a pod, and tells the runtime that they are
// removed. One that lives may still add a NIC whose sandbox the runtime has removed meanwhile. The sandbox is gone then, with
// its NICs; what is left are records, routes of the node and held addresses.

import { randomBytes } from 'node:crypto';
import { abortable, type Clock, errorText, type Logger } from '#base';
import { type CniRequest, type CniType, isNamespaceLeft, type PodNamespaceParts } from '#cni';
import { type AttachmentRecord, type Attachments, partOf } from '#node';

/** A sandbox must be gone in two looks. A DEL that is late only finds its work done. */
const LOOK_EVERY_MS = 10_000;
/** The replay has a time limit of its own. */
const DEADLINE_MS = 10_000;

export interface MissedDelsParts extends PodNamespaceParts {
  readonly attachments: Pick<Attachments, 'all'>;
  /** Whether a request for a NIC of this sandbox, or for its pod, runs. */
  readonly isBusy: (record: AttachmentRecord) => boolean;
  /** Whether the API server shows a pod with this UID on the node. Its runtime may still send the DEL. */
  readonly isKnown: (podUid: string) => boolean;
  readonly keep: (request: CniRequest) => Promise<void>;
  readonly types: readonly Pick<CniType, 'name' | 'part'>[];
  readonly clock: Clock;
  readonly log: Logger;
}

export class MissedDels {
  readonly #parts: MissedDelsParts;
  /** Attachments that were left over at the last look. */
  #seen: ReadonlySet<string> = new Set();

  constructor(parts: MissedDelsParts) {
    this.#parts = parts;
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {}); // the loop sees that it ends
      if (signal.aborted) return;
      try {
        await abortable(this.look(), signal);
      } catch (error) {
        if (!signal.aborted) log.warn({ error: errorText(error) }, 'could not look for missed DELs');
      }
    }
  }

  /** Queues the DELs of attachments that were left over at the last look and still are. */
  async look(): Promise<void> {
    const { attachments, isKnown, keep, log } = this.#parts;
    const left = new Map<string, AttachmentRecord>();
    const gone: AttachmentRecord[] = [];
    const living = new Set<string>();
    for (const record of attachments.all()) {
      const lives = await this.#livesSandbox(record);
      if (lives === false) gone.push(record);
      if (lives === true && record.pod !== undefined) living.add(record.pod.uid);
    }
    for (const record of gone) {
      // The runtime makes another sandbox for a pod only when it has ended with the one before.
      const { uid = '' } = record.pod ?? {};
      if (isKnown(uid) && !living.has(uid)) continue;
      left.set(`${record.containerId}/${record.interfaceName}`, record);
    }
    const ripe = [...left].filter(([key]) => this.#seen.has(key));
    this.#seen = new Set(left.keys());
    for (const [, record] of ripe) {
      const { containerId, interfaceName, pod } = record;
      log.warn({ containerId, interfaceName, pod }, 'the sandbox is gone and no DEL came: it is made up for');
      for (const request of this.#dels(record)) await keep(request);
    }
  }

  /** Whether the namespace of the sandbox is there. Undefined: a request works on it, or it cannot be known. */
  async #livesSandbox(record: AttachmentRecord): Promise<boolean | undefined> {
    const { isBusy, log } = this.#parts;
    const { netns, pod, containerId } = record;
    if (netns === undefined || pod === undefined || isBusy(record)) return;
    try {
      return await isNamespaceLeft(this.#parts, netns);
    } catch (error) {
      log.debug(
        { containerId, error: errorText(error) },
        'the network namespace of a sandbox cannot be looked at',
      );
      return;
    }
  }

  /** Of the types that keep something in the record, in the order of a DEL: the last plugin of the chain first. */
  #dels(record: AttachmentRecord): CniRequest[] {
    const { containerId, interfaceName, network, pod } = record;
    const kept = this.#parts.types.filter(
      ({ part }) => part !== undefined && partOf(record, part) !== undefined,
    );
    // Types that share a part remove the same.
    const types = kept.filter(({ part }, at) => kept.findIndex((other) => other.part === part) === at);
    return types.toReversed().map(({ name: type }) => ({
      type,
      shimVersion: '0',
      id: randomBytes(8).toString('hex'),
      deadlineMs: DEADLINE_MS,
      variables: {
        CNI_COMMAND: 'DEL',
        CNI_CONTAINERID: containerId,
        CNI_IFNAME: interfaceName,
        CNI_ARGS: `K8S_POD_NAMESPACE=${pod?.namespace};K8S_POD_NAME=${pod?.name};K8S_POD_UID=${pod?.uid}`,
        CNI_PATH: '/opt/cni/bin',
      },
      stdin: JSON.stringify({ cniVersion: '1.0.0', name: network, type, ipam: { type } }),
    }));
  }
}
