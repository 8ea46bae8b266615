// The servers as the cache keeps them: Debian's packages, unpacked, and the databases of a new cloud.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, kept } from '../../kube/cache.ts';
import type { Cloud } from './cloud.ts';
import { firstStart } from './first-start.ts';
import { unpackServers } from './packages.ts';

const own = import.meta.dirname;
const cache = cacheFolder('openstack');

/** Where the packages are unpacked, or why they are not. */
export function unpackedServers(): Promise<string | Error> {
  const key = hashOf(['packages.ts']);
  return kept(join(cache, `servers-${key}`), (folder) => {
    console.log("unpacking Debian's packages of the OpenStack servers (once: 110 MB, about 30 seconds)");
    return unpackServers(folder);
  }).catch((error: Error) => error);
}

/** Whether the databases of a new cloud are kept. */
export function areDatabasesKept(root: string): boolean {
  return existsSync(stateFolder(root));
}

/** Starts all servers of a cloud whose packages are unpacked in `root`. */
export async function startCloud(cloud: Cloud, root: string): Promise<void> {
  const filled = await kept(stateFolder(root), async (folder) => {
    console.error('making the databases of the servers (once: about a minute)');
    await firstStart(cloud);
    cloud.keep(folder);
  });
  cloud.restore(filled);
  await cloud.start(['keystone', 'placement', 'neutron', 'nova']);
}

/** Databases fit the programs that made them. */
function stateFolder(root: string): string {
  const files = ['first-start.ts', 'place.ts', 'configuration.ts', 'python/neutron_schema.py'];
  return join(cache, `state-${hashOf(files, root)}`);
}

function hashOf(files: readonly string[], ...more: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(own, file)));
  return hash.update(more.join()).digest('hex').slice(0, 16);
}
