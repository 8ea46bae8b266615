// How addresses of pods come to be ours in Neutron, and leave it again: a port. Each mode of the IPAM type has a keeper.

import type { Clock, Logger } from '#base';
import type { OwnAddress, PortLedger, Wanted } from '#plan/openstack';
import type { LedgerFile } from './ledger-file.ts';

/** Whoever calls it has the lock of the ledger, except for {@link has}. All of it throws the errors of Neutron. */
export interface AddressKeeper {
  /** Whether many addresses are added by one write, all of them or none. */
  readonly addsInOneWrite: boolean;
  /** Makes the ledger agree with the cloud. If it throws, the ledger is as before. */
  reconcile(): Promise<void>;
  /** Finds out what a write came to of which nobody heard the end, perhaps because its program was killed. */
  settled(): Promise<void>;
  /** Puts free addresses into the ledger: so many, or fewer. Throws if it can add none. `then` changes the ledger at the moment when it has them. */
  add(wanted: Wanted, count: number, then?: LedgerChange): Promise<void>;
  /** Takes back all leaving addresses, whoever marked them. */
  takeOff(): Promise<void>;
  /**
   * Neutron keeps a floating IP that leads to an address whose pod has gone. The next pod with the address would be open
   * to the outside.
   */
  freeFloating(addresses: readonly OwnAddress[]): Promise<void>;
  /** Whether the cloud still has the address for us. */
  has(own: OwnAddress): Promise<boolean>;
  /** The end of the ledger: takes back all that it has, whoever has the addresses, and every mark. */
  end(): Promise<void>;
}

export type LedgerChange = (ledger: PortLedger) => PortLedger;

export interface KeeperParts {
  readonly file: Pick<LedgerFile, 'locked' | 'read' | 'update'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often a write is tried that others come before. */
export const TRIES = 30;
export const backOff = { firstMs: 50, maximumMs: 2_000 };
