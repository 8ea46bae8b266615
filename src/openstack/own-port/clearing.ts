// The end of all ledgers of a node: what its agents have in Neutron goes, and their marks too.

import type { Clock, Logger } from '#base';
import { ledgerSubject } from '#plan/openstack';
import type { AddressKeeper } from './address-keeper.ts';
import { AddressPairs } from './address-pairs.ts';
import { FixedIps, type FixedIpsParts } from './fixed-ips.ts';
import { LedgerFile, ledgersIn } from './ledger-file.ts';
import { OwnPorts, type OwnPortsParts } from './own-ports.ts';

type ClearedNeutron = FixedIpsParts['neutron'] & OwnPortsParts['neutron'];

export interface ClearingParts {
  /** Throws OPENSTACK_CONFIG_INVALID. It is only called if Neutron has something of ours. */
  readonly neutron: () => ClearedNeutron;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One ledger that fails stops no other. The first error is thrown at the end: the ledger then says what is left. */
export async function clearLedgers(folder: string, parts: ClearingParts): Promise<void> {
  const errors: unknown[] = [];
  for (const name of ledgersIn(folder)) {
    const file = new LedgerFile(folder, name, parts.clock);
    await clearLedger(name, file, parts).catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
}

async function clearLedger(name: string, file: LedgerFile, parts: ClearingParts): Promise<void> {
  // Nothing was ever asked of Neutron.
  if ((await file.read()).sequence === 0) return;
  const keeper = keeperOf(name, file, parts);
  await file.locked(async () => {
    const { addresses } = await file.read();
    await keeper.end();
    const gone = addresses.map(({ address }) => address);
    parts.log.info({ ledger: name, addresses: gone }, 'Neutron has nothing of this ledger any more');
  });
}

/** Nothing is made any more, so it does not matter where, and what it would say of itself. */
const making: Pick<OwnPortsParts, 'networkId' | 'nodeGroups' | 'origin'> = {
  networkId: '',
  nodeGroups: async () => undefined,
  origin: { node: '', cluster: '' },
};

function keeperOf(name: string, file: LedgerFile, { neutron, clock, log }: ClearingParts): AddressKeeper {
  const subject = ledgerSubject(name);
  const common = { neutron: neutron(), file, clock, log };
  if (subject.mode === 'port') return new OwnPorts({ ...common, ...making, pair: 'none' });
  const { portId } = subject;
  if (subject.mode === 'fixed-ips') return new FixedIps({ ...common, portId, nodeAddresses: [] });
  const reserve = new OwnPorts({ ...common, ...making, pair: 'new' });
  return new AddressPairs({ ...common, portId, reserve });
}
