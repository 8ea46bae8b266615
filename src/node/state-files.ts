// The interface to the files of a node's state. Writes survive a power cut. #kernel has the real files; tests use a
// map.

import { OrbError } from '#base';

/** DISK_FULL for the file that could not be written. */
export function diskFull(path: string, said: string, cause?: unknown): OrbError {
  return new OrbError('DISK_FULL', {
    message: `the disk is full: cannot write ${path}`,
    subject: path,
    said,
    cause,
  });
}

/** A file in a state directory. */
export interface StateFile {
  readonly name: string;
  readonly modifiedMs: number;
}

/** One flat directory of small files. */
export interface StateFiles {
  /** Complete files only. Temporary files of interrupted writes are not listed. */
  list(): Promise<readonly StateFile[]>;
  /** The bytes; undefined if there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>;
  /**
   * Replaces the file. It is complete and on the disk when this resolves (temporary file, fsync, rename, fsync of the
   * directory). Throws DISK_FULL if there is no space; the file is then unchanged.
   */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * Like {@link StateFiles.write}, but uses a reserve if the disk is full. The reserve is for DELs, which free space.
   */
  writeFromReserve(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * Like {@link StateFiles.write} in half the time. After a power cut, the file may have its previous content, or be
   * absent if it was absent before.
   */
  writeSoon(name: string, bytes: Uint8Array): Promise<void>;
  /** Throws ENOENT if there is no such file. */
  rename(from: string, to: string): Promise<void>;
  /** Succeeds if there is no such file. */
  remove(name: string): Promise<void>;
}

/** Files in memory. */
export class MemoryStateFiles implements StateFiles {
  readonly files = new Map<string, { bytes: Uint8Array; modifiedMs: number }>();
  /** What remains after a power cut. */
  readonly #onDisk = new Map<string, { bytes: Uint8Array; modifiedMs: number }>();
  #writes = 0;
  /** Whether the disk is full. {@link MemoryStateFiles.reserve} files of the reserve then remain. */
  full = false;
  reserve = 0;

  async list(): Promise<readonly StateFile[]> {
    return [...this.files].map(([name, { modifiedMs }]) => ({ name, modifiedMs }));
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    return this.files.get(name)?.bytes;
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.writeSoon(name, bytes);
    this.#sync(name);
  }

  async writeFromReserve(name: string, bytes: Uint8Array): Promise<void> {
    if (!this.full) return this.write(name, bytes);
    if (this.reserve === 0) throw diskFull(name, 'ENOSPC');
    this.reserve -= 1;
    this.files.set(name, { bytes, modifiedMs: ++this.#writes });
    this.#sync(name);
  }

  async writeSoon(name: string, bytes: Uint8Array): Promise<void> {
    if (this.full) throw diskFull(name, 'ENOSPC');
    this.#writes += 1;
    this.files.set(name, { bytes, modifiedMs: this.#writes });
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.files.get(from);
    if (file === undefined) throw Object.assign(new Error(`rename ${from}`), { code: 'ENOENT' });
    this.files.delete(from);
    this.files.set(to, file);
    this.#sync(from);
    this.#sync(to);
  }

  async remove(name: string): Promise<void> {
    this.files.delete(name);
    this.#sync(name);
  }

  /** Changes the files to what a disk holds after a power cut. */
  powerCut(): void {
    this.files.clear();
    for (const [name, file] of this.#onDisk) this.files.set(name, file);
  }

  #sync(name: string): void {
    const file = this.files.get(name);
    if (file === undefined) this.#onDisk.delete(name);
    else this.#onDisk.set(name, file);
  }
}
