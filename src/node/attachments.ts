// The attachments of a node: one durable file each, all of them in memory.

import { isOrbError, type Logger } from '#base';
import type { AttachmentKey } from '#plan/network';
import { type AttachmentRecord, decodeRecord, encodeRecord, recordFileName } from './attachment-record.ts';
import type { StateFiles } from './state-files.ts';

/** The parts of a record that a plugin type owns. */
export type AttachmentPart = 'ipam' | 'coordinator';

const RECORD = '.json';
const DAMAGED = '.damaged';

/**
 * Opened once by the agent, which is the only writer. A node has hundreds of attachments at most: looking through all of them in
 * memory costs microseconds, an index for each question would be state to keep right. Every change is on the disk
 * when its promise resolves, but for {@link Attachments.putForKernel}, and for what a DEL changes while the disk takes nothing.
 */
export class Attachments {
  /** Told of every container of which something was recorded or removed, in the same turn. */
  onChange: (containerId: string) => void = () => {};
  readonly #files: StateFiles;
  readonly #logger: Logger;
  readonly #records = new Map<string, AttachmentRecord>();
  /** Keeps the writes of one record in order. */
  readonly #writing = new Map<string, Promise<void>>();
  /** Records whose file is not what they are by now. */
  readonly #unwritten = new Set<string>();

  private constructor(files: StateFiles, logger: Logger) {
    this.#files = files;
    this.#logger = logger;
  }

  /** Reads every record; what is damaged is logged, set aside as `….damaged`, and blocks nothing. */
  static async open(files: StateFiles, logger: Logger): Promise<Attachments> {
    const attachments = new Attachments(files, logger);
    for (const { name } of await files.list()) {
      if (name.endsWith(RECORD)) await attachments.#take(name);
    }
    return attachments;
  }

  async #take(name: string): Promise<void> {
    try {
      const bytes = await this.#files.read(name);
      if (bytes === undefined) return;
      const record = decodeRecord(bytes, name);
      this.#records.set(recordFileName(record), record);
    } catch (err) {
      if (!isOrbError(err, 'ATTACHMENT_DAMAGED')) {
        this.#logger.error({ file: name, err }, 'attachment file cannot be read: its container is unknown');
        return;
      }
      await this.#files.rename(name, name + DAMAGED);
      this.#logger.error({ file: name + DAMAGED, err }, 'attachment file is damaged: set aside');
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

  /** Writes the record as it is to be from now on. Where that fails, DISK_FULL for one, everything is as it was. */
  put(record: AttachmentRecord): Promise<void> {
    return this.#put(record, (name, bytes) => this.#files.write(name, bytes));
  }

  /**
   * As {@link Attachments.put} for what speaks of the kernel alone: it survives the agent, however that dies. A power cut may bring back
   * the record of before, but it takes with it everything in the kernel that the new one tells of.
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
    if (containerId !== undefined) this.onChange(containerId);
  }

  /**
   * For a DEL, which must not wait for a full disk, because it makes room there. The change counts from now on. It is written now, or by a
   * later {@link Attachments.flush}.
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
      this.#logger.error({ file: key, err }, 'a DEL is not on the disk yet: it is written later');
    }
  }

  /** Takes one part away once its DEL is done, and the record with its last part. */
  async removePart(name: AttachmentKey, part: AttachmentPart): Promise<void> {
    const record = this.get(name);
    if (record === undefined) return;
    const rest: AttachmentRecord = { ...record, [part]: undefined };
    const isEmpty = rest.ipam === undefined && rest.coordinator === undefined;
    await this.#leave(recordFileName(name), isEmpty ? undefined : rest, name.containerId);
  }

  /**
   * Notes that a new sandbox of the pod has taken over, with its first NIC for all: a DEL of an older sandbox that comes late
   * must not free an address, which is the new one's. Returns the older records.
   */
  async supersede(podUid: string, newest: string): Promise<AttachmentRecord[]> {
    const older = this.ofPod(podUid)
      .filter((record) => record.containerId !== newest && record.supersededBy === undefined)
      .map((record) => ({ ...record, supersededBy: newest }));
    await Promise.all(older.map((record) => this.#leave(recordFileName(record), record, record.containerId)));
    return older;
  }

  #inOrder(key: string, write: () => Promise<void>): Promise<void> {
    const before = this.#writing.get(key) ?? Promise.resolve();
    // A write that failed was told to its own caller; the next one is tried all the same.
    const written = before.then(write, write);
    this.#writing.set(key, written);
    const forget = () => {
      if (this.#writing.get(key) === written) this.#writing.delete(key);
    };
    written.then(forget, forget);
    return written;
  }
}
