// The name of the ledger of a place in Neutron. It says the mode too: whoever finds a ledger knows what it is about.

import type { NeutronMode } from '#api';

/** What a ledger is about. */
export type LedgerSubject =
  | { readonly mode: 'fixed-ips' | 'address-pairs'; readonly portId: string }
  | { readonly mode: 'port'; readonly networkId: string };

const PAIRS = 'pairs-';
const PORTS = 'ports-';

export function ledgerName(
  mode: NeutronMode,
  ids: { readonly portId: string; readonly networkId: string },
): string {
  if (mode === 'port') return `${PORTS}${ids.networkId}`;
  return mode === 'address-pairs' ? `${PAIRS}${ids.portId}` : ids.portId;
}

/** Of the NICs that a VM gets for pods. */
export const nicLedgerName = (serverId: string): string => `nics-${serverId}`;

export function ledgerSubject(name: string): LedgerSubject {
  if (name.startsWith(PORTS)) return { mode: 'port', networkId: name.slice(PORTS.length) };
  if (name.startsWith(PAIRS)) return { mode: 'address-pairs', portId: name.slice(PAIRS.length) };
  return { mode: 'fixed-ips', portId: name };
}
