// The end of the ledgers of NICs of a node: this VM loses what it has got for pods, and the ports are deleted.

import type { Clock, Logger } from '#base';
import { NicLedgerFile, nicLedgersIn } from './nic-ledger-file.ts';
import { NicRemoval, type NicRemovalParts } from './nic-removal.ts';

export interface NicClearingParts {
  /** Throws OPENSTACK_CONFIG_INVALID. It is only called if a ledger has NICs. */
  readonly cloud: () => Pick<NicRemovalParts, 'nova' | 'neutron'>;
  /** The server that this node is. A disk that was copied brings ledgers of another one. */
  readonly serverId: () => Promise<string>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Throws the first error, and where a NIC cannot leave yet: the ledger then says what is left. */
export async function clearNics(folder: string, parts: NicClearingParts): Promise<void> {
  const { cloud, clock, log } = parts;
  for (const serverId of nicLedgersIn(folder)) {
    const file = new NicLedgerFile(folder, serverId);
    const { nics } = await file.read();
    if (nics.length === 0) continue;
    if ((await parts.serverId()) !== serverId) {
      log.warn({ server: serverId }, 'this node has the ledger of the NICs of another VM, which keeps them');
      continue;
    }
    const ports = nics.flatMap(({ port }) => port?.id ?? []);
    await new NicRemoval({ ...cloud(), file, serverId, clock, log }).end();
    log.info({ server: serverId, ports }, 'this VM has no NIC for pods any more');
  }
}
