// Which subnets of a network pods get their addresses of: those of the node itself.

import type { Family } from '#ip';
import type { PortAddress } from './port-ledger.ts';

/** What is read of a subnet. */
export interface SubnetFacts {
  readonly ip_version: Family;
  /** Null: Neutron chooses addresses, or nobody configures them. */
  readonly ipv6_address_mode: string | null;
}

/** The subnets of the node's own addresses, in their order; all of the port, if the NIC has no address of it. */
export function subnetsOf(fixedIps: readonly PortAddress[], nodeAddresses: readonly string[]): string[] {
  const own = nodeAddresses.flatMap(
    (address) => fixedIps.find((one) => one.ip_address === address)?.subnet_id ?? [],
  );
  return [...new Set(own.length > 0 ? own : fixedIps.map((one) => one.subnet_id))];
}

/** The first subnet of each family, of those whose addresses can be asked for: with SLAAC, a port has one address. */
export function onePerFamily<T extends SubnetFacts>(subnets: readonly T[], families: readonly Family[]): T[] {
  return families.flatMap(
    (family) =>
      subnets.find(
        ({ ip_version, ipv6_address_mode: mode }) =>
          ip_version === family && (mode === null || mode === 'dhcpv6-stateful'),
      ) ?? [],
  );
}
