// Files that survive a crash whole: written beside, synced, renamed; records with a checksum; locks.

import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsync, openSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { OrbError } from '#base';
import { closeFd, openForLocking, tryLock } from './ffi/libc.ts';

const sync = promisify(fsync);

/** As {@link writeWhole}, and after a power cut too it is the new content. */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  await writeWhole(path, content);
  await syncDirectory(dirname(path));
}

/**
 * Replaces or creates `path` so that after the death of this process it holds the new content, after a power cut the old or the
 * new, and never a part (mode 0600).
 *
 * Only the syncs, which wait for the disk, go to another thread. The rest is done in memory in microseconds, and eight ways
 * there and back cost 0.4 ms more than two.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = temporaryFor(path);
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(file, content);
      await sync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** The file that becomes `path` once it is written. Its name begins with a dot: readers of the directory pass it over. */
export function temporaryFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
}

/** Removes `path` for good; false where it was gone already. */
export async function removeDurably(path: string): Promise<boolean> {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  await syncDirectory(dirname(path));
  return true;
}

/** Makes a directory of mode 0700 for our files, with its parents. */
export async function makePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** A rename is on disk only when the directory is: fsync(2), "Calling fsync() does not necessarily ensure …". */
export async function syncDirectory(path: string): Promise<void> {
  const directory = openSync(path, 'r');
  try {
    await sync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Writes a JSON value with its checksum, durably. */
export async function writeRecord(path: string, body: unknown): Promise<void> {
  await writeDurably(path, `${JSON.stringify({ checksum: checksum(body), body })}\n`);
}

/** What {@link writeRecord} wrote; undefined where there is no file, FILE_DAMAGED where it is not as it was written. */
export async function readRecord(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const record = parseRecord(path, text);
  if (record.checksum === checksum(record.body)) return record.body;
  throw new OrbError('FILE_DAMAGED', { message: `${path} does not match its checksum`, subject: path });
}

function parseRecord(path: string, text: string): { checksum?: unknown; body?: unknown } {
  try {
    return Object(JSON.parse(text)) as { checksum?: unknown; body?: unknown };
  } catch (cause) {
    throw new OrbError('FILE_DAMAGED', { message: `${path} is not JSON`, subject: path, cause });
  }
}

/** Of the body as JSON.stringify writes it, which a value read back from JSON reproduces. */
function checksum(body: unknown): string {
  return `sha256:${createHash('sha256')
    .update(JSON.stringify(body) ?? '')
    .digest('hex')}`;
}

/** A lock on a file that ends with the process, however it ends. */
export interface FileLock {
  release(): void;
}

/** Takes the lock of `path`, which is created; undefined when another process, or this one, holds it. */
export function lockFile(path: string): FileLock | undefined {
  const fd = openForLocking(path);
  let held = false;
  try {
    held = tryLock(fd, path);
  } finally {
    if (!held) closeFd(fd);
  }
  if (!held) return undefined;
  return {
    release() {
      if (held) closeFd(fd);
      held = false;
    },
  };
}
