// The files of a node's state as an edge: writes that survive a power cut. #kernel has the real ones, a map stands in for tests.

import { OrbError } from '#base';

/** DISK_FULL, for the file that could not be written. */
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
  /** Whole files only: temporary ones of interrupted writes are not listed. */
  list(): Promise<readonly StateFile[]>;
  /** The bytes; undefined where there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>;
  /**
   * Replaces the file: whole and on the disk once it resolves (temporary file, fsync, rename, fsync of the directory). Throws DISK_FULL
   * where there is no room; the file is then as it was.
   */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** As {@link StateFiles.write}; on a full disk it takes from a reserve, which is for what makes room again: DELs. */
  writeFromReserve(name: string, bytes: Uint8Array): Promise<void>;
  /** As {@link StateFiles.write} in half the time, but after a power cut the file may be as it was before, or missing as before. */
  writeSoon(name: string, bytes: Uint8Array): Promise<void>;
  /** Throws ENOENT where there is no such file. */
  rename(from: string, to: string): Promise<void>;
  /** Fine where there is no such file. */
  remove(name: string): Promise<void>;
}

/** Files in memory. */
export class MemoryStateFiles implements StateFiles {
  readonly files = new Map<string, { bytes: Uint8Array; modifiedMs: number }>();
  /** What a power cut leaves. */
  readonly #onDisk = new Map<string, { bytes: Uint8Array; modifiedMs: number }>();
  #writes = 0;
  /** No room for more; what a reserve would hold is {@link MemoryStateFiles.reserve} files. */
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

  /** Everything is as on a disk whose machine lost its power. */
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
