// A directory of state files on the disk: mode 0700, each file whole or not there.

import { readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory, removeDurably, writeDurably, writeWhole } from '#kernel';
import type { StateFile, StateFiles } from './state-files.ts';

/** A file that is being written is finished within milliseconds; a shim may be writing one to the queue right now. */
const UNFINISHED_MS = 10_000;

/** Opens the directory, making it where it is missing; what a writer that died left half-written goes. */
export async function openStateDirectory(path: string): Promise<StateFiles> {
  await makePrivateDirectory(path);
  for (const name of await readdir(path)) {
    if (!name.startsWith('.')) continue;
    const file = join(path, name);
    // A shim may have finished it since we looked.
    const found = await stat(file).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > UNFINISHED_MS) await removeDurably(file);
  }
  return new StateDirectory(path);
}

class StateDirectory implements StateFiles {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async list(): Promise<readonly StateFile[]> {
    // What begins with a dot was being written when its writer died.
    const names = (await readdir(this.#path)).filter((name) => !name.startsWith('.'));
    return Promise.all(
      names.map(async (name) => ({ name, modifiedMs: (await stat(join(this.#path, name))).mtimeMs })),
    );
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
    return writeDurably(join(this.#path, name), bytes);
  }

  writeSoon(name: string, bytes: Uint8Array): Promise<void> {
    return writeWhole(join(this.#path, name), bytes);
  }

  rename(from: string, to: string): Promise<void> {
    return rename(join(this.#path, from), join(this.#path, to));
  }

  async remove(name: string): Promise<void> {
    await removeDurably(join(this.#path, name));
  }
}
