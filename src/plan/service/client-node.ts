// The node whose sockets ask for Services.

import type { Node } from '#api';
import { type Address, tryParseAddress } from '#ip';

export interface ClientNode {
  readonly name: string;
  /** Its label `topology.kubernetes.io/zone`. */
  readonly zone: string | undefined;
  /** Its InternalIPs. Its sockets reach NodePorts there. */
  readonly addresses: readonly Address[];
  /** Whether its sockets get the externalIPs of Services. */
  readonly usesExternalIps: boolean;
}

/** `node` is undefined while the agent has not read it. */
export function clientNode(
  name: string,
  node: Node | undefined,
  { usesExternalIps }: Pick<ClientNode, 'usesExternalIps'>,
): ClientNode {
  const addresses = (node?.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => tryParseAddress(address))
    .filter((address) => address !== undefined);
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  return { name, zone, addresses, usesExternalIps };
}

/** Whether Services mean the same on both. */
export function isSameClient(a: ClientNode, b: ClientNode): boolean {
  return JSON.stringify(a, plain) === JSON.stringify(b, plain);
}

const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
