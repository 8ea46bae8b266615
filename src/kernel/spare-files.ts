// Files of zeros, kept for a full disk. A record overwrites one of them and needs no more space. The shim uses them too
// (shim/queue.c).

import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory, temporaryFor } from './files.ts';

/** The name of a spare file. The shim uses the same names. */
const SPARE = /^\.spare-[0-7]$/;
const names = Array.from({ length: 8 }, (_, i) => `.spare-${i}`);
/** A record or a queued request has about 5 kB. */
const SPARE_BYTES = 16 * 1024;

export function isSpare(name: string): boolean {
  return SPARE.test(name);
}

/** Whether a folder with these file names has all spare files. */
export function hasSpares(present: readonly string[]): boolean {
  return names.every((name) => present.includes(name));
}

/** Makes the missing spare files of the folder, as long as there is space. */
export async function makeSpares(folder: string): Promise<void> {
  const present = await readdir(folder);
  for (const name of names.filter((one) => !present.includes(one))) {
    const path = join(folder, name);
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        // The file is written, not only allocated: not every file system guarantees the space of fallocate(2).
        await file.writeFile(Buffer.alloc(SPARE_BYTES));
      } finally {
        await file.close();
      }
    } catch (error) {
      // A file that is too short is not a spare.
      await rm(path, { force: true });
      if (isFull(error)) return;
      throw error;
    }
  }
}

/**
 * Like writeDurably, but overwrites a spare file. Returns false if there is none left, or if the content is larger than
 * one.
 */
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

/** Takes a spare file by renaming it, so that only one writer gets it. */
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

/** Whether a write failed because the disk, or our quota on it, is full. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}
