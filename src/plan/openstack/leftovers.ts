// What a cluster has left on the ports of its VMs, and which ports of our own nobody has any more, as far as Neutron shows it.

import type { Node, Pod } from '#api';
import { formatAddress, tryParseAddress } from '#ip';
import type { AddressPair } from './address-pairs.ts';
import { shownAddresses } from './floating-wishes.ts';
import { isOfNode, type OwnPort, type PortTexts } from './own-ports.ts';
import { poolUidOf } from './pool-ports.ts';
import { markOf, type PortState } from './port-ledger.ts';

/**
 * The addresses of a port with a mark that are not the node's own. Empty without a mark. Neutron does not say who added
 * them: the ledger on the node's disk does.
 */
export function markedAddresses(port: PortState, { status }: Pick<Node, 'status'>): string[] {
  if (markOf(port.description) === undefined) return [];
  const own = new Set((status?.addresses ?? []).map(({ address }) => canonical(address)));
  return port.fixed_ips.map(({ ip_address }) => ip_address).filter((text) => !own.has(canonical(text)));
}

/** Who may still have a port of our own. */
export interface PortClaims {
  /** The UIDs of pools whose addresses a controller reserves. */
  readonly pools: ReadonlySet<string>;
  /** The nodes whose ledgers count: agents run there. */
  readonly nodes: readonly string[];
  /** Living pods by their addresses. */
  readonly pods: ReadonlyMap<string, string>;
}

export type PortClaim =
  | { readonly is: 'node'; readonly node: string }
  | { readonly is: 'pool' }
  | { readonly is: 'pod'; readonly pod: string; readonly address: string };

/** Undefined: no ledger and no pod has it, as far as the cluster knows. */
export function claimOn(
  port: PortTexts & Pick<OwnPort, 'fixed_ips'> & { readonly device_id: string },
  claims: PortClaims,
): PortClaim | undefined {
  for (const { ip_address: address } of port.fixed_ips) {
    const pod = claims.pods.get(canonical(address));
    if (pod !== undefined) return { is: 'pod', pod, address };
  }
  if (claims.pools.has(poolUidOf(port) ?? '')) return { is: 'pool' };
  const node = claims.nodes.find((name) => isOfNode(port, name));
  return node === undefined ? undefined : { is: 'node', node };
}

/** The living pods by their addresses, as `namespace/name`. */
export function addressHolders(pods: readonly Pod[]): Map<string, string> {
  const living = pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  return new Map(
    living.flatMap((pod) =>
      shownAddresses(pod).map(
        (address) => [formatAddress(address), `${pod.metadata.namespace}/${pod.metadata.name}`] as const,
      ),
    ),
  );
}

/** The pairs of a VM's port for exactly these addresses. Nobody knows who added them. */
export function pairsLeft(
  {
    allowed_address_pairs: pairs = [],
  }: { readonly allowed_address_pairs?: readonly AddressPair[] | undefined },
  reserved: Pick<OwnPort, 'fixed_ips'>,
): AddressPair[] {
  const addresses = new Set(reserved.fixed_ips.map(({ ip_address }) => canonical(ip_address)));
  return pairs.filter((pair) => addresses.has(canonical(pair.ip_address.replace(/\/(32|128)$/, ''))));
}

function canonical(text: string): string {
  const address = tryParseAddress(text);
  return address === undefined ? text : formatAddress(address);
}
