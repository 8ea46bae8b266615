// The CNI configurations of the node: the files from which its runtime chooses the network of the cluster's pods.

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CniFile, isCniFileName } from '#plan/discovery';

/**
 * Reads the configurations in `folder`, in any order. A folder that does not exist yet has none. A file that disappears
 * meanwhile is left out, and so is what is no file: reading a pipe would wait for a writer.
 */
export async function readCniFiles(folder: string): Promise<CniFile[]> {
  const names = (await unlessGone(readdir(folder))) ?? [];
  const files = await Promise.all(names.filter(isCniFileName).map((name) => readCniFile(folder, name)));
  return files.filter((file) => file !== undefined);
}

async function readCniFile(folder: string, name: string): Promise<CniFile | undefined> {
  const path = join(folder, name);
  if ((await unlessGone(stat(path)))?.isFile() !== true) return undefined;
  const text = await unlessGone(readFile(path, 'utf8'));
  return text === undefined ? undefined : { name, text };
}

async function unlessGone<T>(result: Promise<T>): Promise<T | undefined> {
  return result.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
