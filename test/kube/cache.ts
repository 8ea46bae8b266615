// What is made once, and kept outside of the tree.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where the tests of `name` keep what is made once. */
export function cacheFolder(name: 'kube' | 'openstack'): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'orbweaver', name);
}

/** Fills `folder` with `make` the first time that it is asked for. Later it is there. */
export async function kept(folder: string, make: (folder: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  // Several processes may begin at once. The one that ends first fills the folder.
  const unfinished = mkdtempSync(`${folder}.`);
  try {
    await make(unfinished);
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}
