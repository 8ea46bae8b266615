// The attachments of a node. Each has one durable file, and all are in memory.

import { isOrbError, type Logger } from '#base';
import type { AttachmentKey } from '#plan/network';
import { type AttachmentRecord, decodeRecord, encodeRecord, recordFileName } from './attachment-record.ts';
import { hasParts, type RecordPart, readParts, withPart } from './record-part.ts';
import type { StateFiles } from './state-files.ts';

const RECORD = '.json';
const DAMAGED = '.damaged';

/**
 * The agent opens this once and is the only writer. A node has hundreds of attachments at most. Searching all of them
 * in memory takes microseconds, and an index would be more state to keep correct. Every change is on the disk when its
 * promise resolves. Exceptions are {@link Attachments.putForKernel}, and changes by a DEL while the disk is full.
 */
export class Attachments {
  /** Called for every container of which a record was written or removed, in the same turn of the event loop. */
  readonly listeners = new Set<(containerId: string) => void>();
  readonly #files: StateFiles;
  readonly #logger: Logger;
  readonly #records = new Map<string, AttachmentRecord>();
  /** Keeps the writes of one record in order. */
  readonly #writing = new Map<string, Promise<void>>();
  /** Records whose file does not have their current content yet. */
  readonly #unwritten = new Set<string>();

  private constructor(files: StateFiles, logger: Logger) {
    this.#files = files;
    this.#logger = logger;
  }

  /**
   * Reads every record. A damaged record is logged and renamed to `….damaged`; it blocks nothing. `parts` are those of
   * the served types.
   */
  static async open(
    files: StateFiles,
    logger: Logger,
    parts: readonly RecordPart[] = [],
  ): Promise<Attachments> {
    const attachments = new Attachments(files, logger);
    for (const { name } of await files.list()) {
      if (name.endsWith(RECORD)) await attachments.#take(name, parts);
    }
    return attachments;
  }

  async #take(name: string, parts: readonly RecordPart[]): Promise<void> {
    try {
      const bytes = await this.#files.read(name);
      if (bytes === undefined) return;
      const record = decodeRecord(bytes, name, (read) => readParts(read, parts));
      this.#records.set(recordFileName(record), record);
    } catch (err) {
      if (!isOrbError(err, 'ATTACHMENT_DAMAGED')) {
        this.#logger.error(
          { file: name, err },
          'an attachment file cannot be read, so its container is unknown',
        );
        return;
      }
      await this.#files.rename(name, name + DAMAGED);
      this.#logger.error({ file: name + DAMAGED, err }, 'a damaged attachment file was set aside');
    }
  }

  all(): AttachmentRecord[] {
    return [...this.#records.values()];
  }

  get(name: AttachmentKey): AttachmentRecord | undefined {
    return this.#records.get(recordFileName(name));
  }

  /** Every NIC of a sandbox. */
  ofContainer(containerId: string): AttachmentRecord[] {
    return this.all().filter((record) => record.containerId === containerId);
  }

  /** Every NIC of a pod, in each of its sandboxes. */
  ofPod(podUid: string): AttachmentRecord[] {
    return this.all().filter((record) => record.pod?.uid === podUid);
  }

  /** Writes the new content of the record. If that fails, for example with DISK_FULL, nothing has changed. */
  put(record: AttachmentRecord): Promise<void> {
    return this.#put(record, (name, bytes) => this.#files.write(name, bytes));
  }

  /**
   * Like {@link Attachments.put}, for changes that describe only the kernel's state. The write survives any death of
   * the agent. A power cut may restore the previous record, but it also removes everything in the kernel that the new
   * one describes.
   */
  putForKernel(record: AttachmentRecord): Promise<void> {
    return this.#put(record, (name, bytes) => this.#files.writeSoon(name, bytes));
  }

  async #put(record: AttachmentRecord, write: StateFiles['write']): Promise<void> {
    const key = recordFileName(record);
    const before = this.#records.get(key);
    this.#set(key, record);
    try {
      await this.#inOrder(key, () => write(key, encodeRecord(record)));
      this.#unwritten.delete(key);
    } catch (error) {
      if (this.#records.get(key) === record) this.#set(key, before, record.containerId);
      throw error;
    }
  }

  #set(key: string, record: AttachmentRecord | undefined, containerId = record?.containerId): void {
    if (record === undefined) this.#records.delete(key);
    else this.#records.set(key, record);
    if (containerId === undefined) return;
    for (const listener of this.listeners) listener(containerId);
  }

  /**
   * For a DEL, which must not wait for a full disk because it frees space there. The change is effective at once. It is
   * written now, or by a later {@link Attachments.flush}.
   */
  async #leave(key: string, record: AttachmentRecord | undefined, containerId: string): Promise<void> {
    this.#set(key, record, containerId);
    this.#unwritten.add(key);
    await this.#writeNow(key);
  }

  /** Writes what could not be written before. */
  async flush(): Promise<void> {
    await Promise.all([...this.#unwritten].map((key) => this.#writeNow(key)));
  }

  async #writeNow(key: string): Promise<void> {
    try {
      await this.#inOrder(key, async () => {
        const now = this.#records.get(key);
        if (now === undefined) await this.#files.remove(key);
        else await this.#files.writeFromReserve(key, encodeRecord(now));
        this.#unwritten.delete(key);
      });
    } catch (err) {
      this.#logger.error({ file: key, err }, 'a DEL is not on the disk yet; it is written later');
    }
  }

  /** Removes one part after its DEL is done. With the last part, removes the record. */
  async removePart(name: AttachmentKey, part: RecordPart): Promise<void> {
    const record = this.get(name);
    if (record === undefined) return;
    const rest = withPart(record, part, undefined);
    await this.#leave(recordFileName(name), hasParts(rest) ? rest : undefined, name.containerId);
  }

  /**
   * Records that a new sandbox of the pod has taken over; its first NIC does this for all NICs. A late DEL of an older
   * sandbox must not free an address that belongs to the new one. Returns the older records.
   */
  async supersede(podUid: string, newest: string): Promise<AttachmentRecord[]> {
    const older = this.ofPod(podUid)
      .filter((record) => record.containerId !== newest && record.supersededBy === undefined)
      .map((record) => ({ ...record, supersededBy: newest }));
    await Promise.all(older.map((record) => this.#leave(recordFileName(record), record, record.containerId)));
    return older;
  }

  /** Takes back that a sandbox was superseded: the newer one goes first. */
  async reinstate(containerId: string): Promise<void> {
    const superseded = this.ofContainer(containerId).filter((record) => record.supersededBy !== undefined);
    await Promise.all(
      superseded.map(({ supersededBy: _, ...record }) =>
        this.#leave(recordFileName(record), record, containerId),
      ),
    );
  }

  #inOrder(key: string, write: () => Promise<void>): Promise<void> {
    const before = this.#writing.get(key) ?? Promise.resolve();
    // The caller of a failed write already knows. The next write is tried anyway.
    const written = before.then(write, write);
    this.#writing.set(key, written);
    const forget = () => {
      if (this.#writing.get(key) === written) this.#writing.delete(key);
    };
    written.then(forget, forget);
    return written;
  }
}
