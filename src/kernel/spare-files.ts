// Files of zeros that are kept for a full disk: a record is written over one of them, which needs no more room. The shim takes them
// too (shim/queue.c).

import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory, temporaryFor } from './files.ts';

/** A spare file's name; the shim knows it too. */
const SPARE = /^\.spare-[0-7]$/;
const names = Array.from({ length: 8 }, (_, i) => `.spare-${i}`);
/** A record and a queued request have some 5 kB. */
const SPARE_BYTES = 16 * 1024;

export function isSpare(name: string): boolean {
  return SPARE.test(name);
}

/** Whether all spare files are among the names of a folder. */
export function hasSpares(present: readonly string[]): boolean {
  return names.every((name) => present.includes(name));
}

/** Makes the spare files that the folder lacks, as far as there is room. */
export async function makeSpares(folder: string): Promise<void> {
  const present = await readdir(folder);
  for (const name of names.filter((one) => !present.includes(one))) {
    const path = join(folder, name);
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        // Written, not only allocated: not every file system keeps the promise of fallocate(2).
        await file.writeFile(Buffer.alloc(SPARE_BYTES));
      } finally {
        await file.close();
      }
    } catch (error) {
      // A short file is no spare.
      await rm(path, { force: true });
      if (isFull(error)) return;
      throw error;
    }
  }
}

/** As writeDurably, over a spare file; false where none is left, or the content is larger than one. */
export async function writeOverSpare(path: string, content: Uint8Array): Promise<boolean> {
  if (content.length > SPARE_BYTES) return false;
  const temporary = temporaryFor(path);
  if (!(await takeSpare(dirname(path), temporary))) return false;
  try {
    const file = await open(temporary, 'r+');
    try {
      await file.write(content, 0, content.length, 0);
      await file.truncate(content.length);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
  return true;
}

/** By its rename a spare file is one taker's alone. */
async function takeSpare(folder: string, path: string): Promise<boolean> {
  for (const name of names) {
    try {
      await rename(join(folder, name), path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return false;
}

/** Whether a write failed because the disk, or our share of it, is full. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}
