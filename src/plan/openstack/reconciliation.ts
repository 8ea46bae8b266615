// Brings a ledger to agree with its port, before anybody is served from it.

import { markOf, type PortLedger, type PortState } from './port-ledger.ts';

/**
 * After a look at the port. An address that the port does not have is missing: an operator took it off. One that was
 * missing before is forgotten, so that two looks decide. Whatever is on the port and not in the ledger is not ours.
 *
 * A ledger that has written nothing, of a port that has a mark, is the second one: the first was lost with its disk.
 * Nobody knows any more which addresses were added for pods. All but the node's own are unsure: nobody gets them, and
 * they stay until an operator takes them off.
 */
export function reconciled(
  ledger: PortLedger,
  port: PortState,
  nodeAddresses: readonly string[],
): PortLedger {
  const there = port.fixed_ips.map((one) => one.ip_address);
  const addresses = ledger.addresses
    .filter((own) => !own.missing || there.includes(own.address))
    .map((own) => ({ ...own, missing: !there.includes(own.address) }));
  const isLost = ledger.sequence === 0 && markOf(port.description) !== undefined;
  const unknown = isLost ? there.filter((address) => !nodeAddresses.includes(address)) : [];
  const unsure = [...new Set([...ledger.unsure, ...unknown])].filter((address) => there.includes(address));
  return { ...ledger, addresses, unsure };
}
