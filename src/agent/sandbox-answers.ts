// Tells the leading controller whether pods still have a sandbox on this node, when it asks. The leader frees addresses of
// pods that are gone, and must not free one that is in use.

import { BackOff, type Clock, errorText, type Logger } from '#base';
import { isNamespaceLeft, type PodNamespaceParts } from '#cni';
import type { AttachmentRecord, Attachments } from '#node';
import type { LeaderLink, SandboxAnswer } from '#pools';

export interface SandboxAnswersOptions extends PodNamespaceParts {
  readonly leader: Pick<LeaderLink, 'questions'>;
  readonly attachments: Pick<Attachments, 'ofPod'>;
  /** Whether a request for a NIC of this sandbox, or for its pod, runs. */
  readonly isBusy: (record: AttachmentRecord) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Without a leader that asks. */
const patienceMs = { firstMs: 1000, maximumMs: 30_000 } as const;
/** Two agents on one node end each other's waiting. So an agent comes no more often than this. */
const LEAST_WAIT_MS = 1000;

export class SandboxAnswers {
  readonly #options: SandboxAnswersOptions;

  constructor(options: SandboxAnswersOptions) {
    this.#options = options;
  }

  /** Answers until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const backOff = new BackOff(patienceMs);
    let answers: ReadonlyMap<string, SandboxAnswer> = new Map();
    while (!signal.aborted) {
      const begunMs = clock.monotonic();
      const asked = await this.#questions(answers, signal);
      if (asked !== undefined) backOff.reset();
      answers = new Map(
        await Promise.all((asked ?? []).map(async (uid) => [uid, await this.sandboxOf(uid)] as const)),
      );
      if (answers.size > 0) continue;
      const leastMs = asked === undefined ? backOff.next() : LEAST_WAIT_MS - (clock.monotonic() - begunMs);
      if (leastMs > 0) await clock.sleep(leastMs, signal).catch(() => {}); // the loop sees that it ends
    }
  }

  /** Undefined if nobody asks. */
  async #questions(
    answers: ReadonlyMap<string, SandboxAnswer>,
    signal: AbortSignal,
  ): Promise<readonly string[] | undefined> {
    const { leader, log } = this.#options;
    try {
      return await leader.questions(answers, signal);
    } catch (error) {
      log.debug({ error: errorText(error) }, 'no leading controller asks this agent about sandboxes');
      return undefined;
    }
  }

  /**
   * Whether a network namespace of the pod exists, also one whose runtime has forgotten it: its NIC answers for the
   * address. Unknown without a record: the state directory may have been lost, or another program made the NIC.
   */
  async sandboxOf(podUid: string): Promise<SandboxAnswer> {
    const records = this.#options.attachments.ofPod(podUid);
    if (records.some((record) => this.#options.isBusy(record))) return 'alive';
    const seen = await Promise.all(records.map((record) => this.#namespaceOf(record)));
    if (seen.includes('alive')) return 'alive';
    return seen.length === 0 || seen.includes('unknown') ? 'unknown' : 'gone';
  }

  async #namespaceOf({ netns, containerId }: AttachmentRecord): Promise<SandboxAnswer> {
    if (netns === undefined) return 'unknown';
    try {
      return (await isNamespaceLeft(this.#options, netns)) ? 'alive' : 'gone';
    } catch (error) {
      this.#options.log.warn(
        { containerId, path: netns.path, error: errorText(error) },
        'the network namespace of a sandbox cannot be looked at',
      );
      return 'unknown';
    }
  }
}
