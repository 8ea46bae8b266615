// The cluster's default network: the first configuration in /etc/cni/net.d, chosen as container runtimes do.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NetConfList, parseNetConfList } from '#api';
import { OrbError } from '#base';

/** Reads the first file by name that is a configuration (libcni, ConfFiles: .conf, .conflist, .json). */
export async function readClusterNetwork(folder: string): Promise<NetConfList> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const [first] = names.filter((name) => /\.(conf|conflist|json)$/.test(name)).toSorted();
  if (first === undefined) {
    // These are kubelet's words; users search for them.
    const message = `no networks found in ${folder}: cni plugin not initialized`;
    throw new OrbError('LAB_PLUGIN_FAILED', { message, subject: folder });
  }
  const path = join(folder, first);
  return parseNetConfList(await readFile(path, 'utf8'), { subject: path });
}
