// Which port each NIC of this node was found to be, on disk. It is asked before all other sources, until the next boot.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isOrbError } from '#base';
import { filesIn, makePrivateDirectory, readRecord, writeRecord } from '#kernel';
import {
  type FoundIdentity,
  findIdentity,
  type IdentityHints,
  type IdentitySources,
} from '../node-identity.ts';
import type { NodeNic } from '../own-nic.ts';

const schema = z.object({ boot: z.string(), nic: z.string(), mac: z.string(), portId: z.string() });

/** A disk that was copied to another VM, or a NIC that was exchanged, shows here. */
const BOOT_FILE = '/proc/sys/kernel/random/boot_id';
const ENDING = '.nic.json';

/**
 * Like {@link findIdentity}, but a port that was found since the boot for the same MAC address is looked at first.
 * Neutron's record of it decides as ever. One that is not the NIC's any more is looked for again.
 */
export async function knownIdentity(
  folder: string,
  { identity: nic }: NodeNic,
  hints: IdentityHints,
  sources: IdentitySources,
): Promise<FoundIdentity> {
  await makePrivateDirectory(folder);
  const path = join(folder, `${nic.name}${ENDING}`);
  const boot = (await readFile(BOOT_FILE, 'utf8')).trim();
  const known = schema.safeParse(await recordOf(path)).data;
  if (known?.boot === boot && known.mac === nic.mac) {
    try {
      return await findIdentity(nic, { ...hints, portId: known.portId }, sources);
    } catch (error) {
      if (!isOrbError(error, 'OPENSTACK_NODE_UNKNOWN')) throw error;
    }
  }
  const found = await findIdentity(nic, hints, sources);
  await writeRecord(path, { boot, nic: nic.name, mac: nic.mac, portId: found.portId });
  return found;
}

/** The names of the NICs of this node that were found to be ports, perhaps before the last boot. */
export function knownNics(folder: string): string[] {
  const files = filesIn(folder).filter((file) => file.endsWith(ENDING));
  return files.map((file) => file.slice(0, -ENDING.length));
}

/** A damaged file is as none: all is found again. */
async function recordOf(path: string): Promise<unknown> {
  try {
    return await readRecord(path);
  } catch (error) {
    if (isOrbError(error, 'FILE_DAMAGED')) return undefined;
    throw error;
  }
}
