// A directory of state files on the disk, with mode 0700. Each file is complete or absent.

import { lstat, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isOrbError } from '#base';
import {
  hasSpares,
  isFull,
  isSpare,
  makePrivateDirectory,
  makeSpares,
  removeDurably,
  writeDurably,
  writeOverSpare,
  writeWhole,
} from '#kernel';
import { diskFull, type StateFile, type StateFiles } from './state-files.ts';

/**
 * Writing a file takes milliseconds. A younger temporary file may be one that a shim is writing to the queue right now.
 */
const UNFINISHED_MS = 10_000;

/** A configuration has at most 4 MiB, and a record holds it three times. The agent never writes larger files. */
const LARGEST_BYTES = 64 * 1024 * 1024;

/** Opens the directory and creates it if it is missing. Deletes incomplete files of writers that died. */
export async function openStateDirectory(path: string): Promise<StateFiles> {
  await makePrivateDirectory(path);
  for (const name of await readdir(path)) {
    if (!name.startsWith('.') || isSpare(name)) continue;
    const file = join(path, name);
    // A shim may have finished the file in the meantime.
    const found = await fileAt(file);
    if (found !== undefined && Date.now() - found.modifiedMs > UNFINISHED_MS) await removeDurably(file);
  }
  await makeSpares(path);
  return new StateDirectory(path);
}

/**
 * Describes a file that we may have written. Undefined for anything else. A read of a FIFO never ends. A directory, a
 * dangling link or a file of gigabytes would end the agent at each start.
 */
async function fileAt(path: string): Promise<{ readonly modifiedMs: number } | undefined> {
  try {
    const found = await lstat(path);
    return found.isFile() && found.size <= LARGEST_BYTES ? { modifiedMs: found.mtimeMs } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

class StateDirectory implements StateFiles {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async list(): Promise<readonly StateFile[]> {
    // A name that begins with a dot is a spare file, or a temporary file of a writer that died.
    const all = await readdir(this.#path);
    if (!hasSpares(all)) await makeSpares(this.#path);
    const names = all.filter((name) => !name.startsWith('.'));
    const found = await Promise.all(
      names.map(async (name) => ({ name, ...(await fileAt(join(this.#path, name))) })),
    );
    return found.flatMap(({ name, modifiedMs }) => (modifiedMs === undefined ? [] : [{ name, modifiedMs }]));
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(join(this.#path, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    return withDiskFull(join(this.#path, name), (path) => writeDurably(path, bytes));
  }

  async writeFromReserve(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.write(name, bytes);
    } catch (error) {
      if (!isOrbError(error, 'DISK_FULL')) throw error;
      if (!(await writeOverSpare(join(this.#path, name), bytes))) throw error;
      // The replaced file has freed its space.
      await makeSpares(this.#path);
    }
  }

  writeSoon(name: string, bytes: Uint8Array): Promise<void> {
    return withDiskFull(join(this.#path, name), (path) => writeWhole(path, bytes));
  }

  rename(from: string, to: string): Promise<void> {
    return rename(join(this.#path, from), join(this.#path, to));
  }

  async remove(name: string): Promise<void> {
    await removeDurably(join(this.#path, name));
  }
}

async function withDiskFull(path: string, write: (path: string) => Promise<void>): Promise<void> {
  try {
    await write(path);
  } catch (error) {
    throw isFull(error) ? diskFull(path, (error as Error).message, error) : error;
  }
}
