// Where this node has addresses of Neutron for pods, on disk, so that the next agent looks after them before a pod comes.

import { join } from 'node:path';
import { z } from 'zod';
import type { NeutronMode } from '#api';
import { isOrbError } from '#base';
import { filesIn, readRecord, writeRecord } from '#kernel';

const MODES = ['fixed-ips', 'address-pairs', 'port'] as const satisfies readonly NeutronMode[];

/** A mode on a NIC of the node: what a network configuration names. */
export interface Place {
  readonly mode: NeutronMode;
  readonly nic: string;
  /** Undefined: that of the NIC's port. */
  readonly networkId: string | undefined;
}

const schema = z.object({ mode: z.enum(MODES), nic: z.string(), networkId: z.string().nullable() });
const ENDING = '.place.json';

/** Writes down which place has the ledger of this name. */
export async function rememberPlace(folder: string, ledger: string, place: Place): Promise<void> {
  await writeRecord(join(folder, `${ledger}${ENDING}`), { ...place, networkId: place.networkId ?? null });
}

/** By the name of the ledger. A damaged file is as none: the next ADD writes it anew. */
export async function knownPlaces(folder: string): Promise<Map<string, Place>> {
  const known = new Map<string, Place>();
  for (const file of filesIn(folder)) {
    if (!file.endsWith(ENDING)) continue;
    try {
      const { mode, nic, networkId } = schema.parse(await readRecord(join(folder, file)));
      known.set(file.slice(0, -ENDING.length), { mode, nic, networkId: networkId ?? undefined });
    } catch (error) {
      if (!isOrbError(error, 'FILE_DAMAGED') && !(error instanceof z.ZodError)) throw error;
    }
  }
  return known;
}
