// Ports of our own in Neutron. Each reserves one address for a pod. Which of them are ours, which are missing, and which
// nobody knows of.

import { newAddress, nextMark, type PortAddress, type PortLedger, type Wanted } from './port-ledger.ts';

/** Who uses the port, in Neutron's words. No port of a VM or of Neutron's own has it. */
export const OWN_PORT_OWNER = 'orbweaver:pod';

/** Which node of which cluster has made a port. */
export interface PortOrigin {
  readonly node: string;
  readonly cluster: string;
}

/** Older clouds allow 60 characters of a tag. */
const TAG_MAXIMUM = 60;
/** Neutron allows 255 characters of a description. */
const NODE_MAXIMUM = 100;

/** What tells an operator whose a port is, and in which ledger it stands. */
export function originTexts(
  { node, cluster }: PortOrigin,
  ledger: string,
): {
  readonly description: string;
  readonly tags: readonly string[];
} {
  return {
    description: `orbweaver: ledger ${ledger}${nodeText(node)}${cluster}`,
    tags: ['orbweaver', clusterTag(cluster), nodeTag(node)],
  };
}

const nodeText = (node: string): string => ` of node ${node.slice(0, NODE_MAXIMUM)}, cluster `;
const clusterTag = (cluster: string): string => `orbweaver-cluster=${cluster}`.slice(0, TAG_MAXIMUM);
const nodeTag = (node: string): string => `orbweaver-node=${node}`.slice(0, TAG_MAXIMUM);

/** What a port says of who made it. Others may have changed one of the two. */
export interface PortTexts {
  readonly description: string;
  /** Undefined: the cloud has none. */
  readonly tags?: readonly string[] | undefined;
}

/** Whether a node of the cluster has made a port of our own. */
export function isOfCluster({ description, tags = [] }: PortTexts, cluster: string): boolean {
  const says = ledgerOf({ description }) !== undefined && description.endsWith(`, cluster ${cluster}`);
  return says || tags.includes(clusterTag(cluster));
}

/** Whether the node has made it, or one whose long name begins like this. */
export function isOfNode({ description, tags = [] }: PortTexts, node: string): boolean {
  return description.includes(nodeText(node)) || tags.includes(nodeTag(node));
}

/** The name of the ledger that it was made for. */
export function ledgerOf({ description }: PortTexts): string | undefined {
  return /^orbweaver: ledger (\S+) of node /.exec(description)?.[1];
}

/** What is read of such a port. */
export interface OwnPort {
  readonly id: string;
  readonly name: string;
  readonly fixed_ips: readonly PortAddress[];
}

/** The device that all ports of a ledger name, and no others. It is a part of the call that makes them. */
export const deviceOf = ({ writer }: PortLedger): string => `orbweaver-${writer}`;

/** A ledger that has begun to make ports of a name that was never used. */
export function begun(
  ledger: PortLedger,
  wanted: Wanted,
): { readonly ledger: PortLedger; readonly name: string } {
  const { ledger: next, mark } = nextMark(ledger);
  const name = `orbweaver ${mark}`;
  return { ledger: { ...next, making: { name, wanted } }, name };
}

/**
 * A ledger whose begun ports are made: those that Neutron has. Their addresses are free. `pair`: whether the port of a
 * VM must let them through.
 */
export function made(ledger: PortLedger, ports: readonly OwnPort[], pair: 'none' | 'new'): PortLedger {
  const { making } = ledger;
  if (making === null) return ledger;
  const { subnetId, groups } = making.wanted;
  const addresses = ports
    .filter(({ name }) => name === making.name)
    .flatMap(({ id: portId, fixed_ips }) => {
      const address = fixed_ips.find((one) => one.subnet_id === subnetId)?.ip_address;
      return address === undefined ? [] : newAddress({ subnetId, address, portId, groups, pair });
    });
  return { ...ledger, making: null, addresses: [...ledger.addresses, ...addresses] };
}

/**
 * After a look at all ports of the ledger. An address whose port is gone, or does not have it, is missing. After a
 * second such look it leaves, so that what else was made for it is taken back too.
 */
export function compared(ledger: PortLedger, ports: readonly OwnPort[]): PortLedger {
  const there = new Set(
    ports.flatMap(({ id, fixed_ips }) => fixed_ips.map(({ ip_address }) => `${id} ${ip_address}`)),
  );
  const addresses = ledger.addresses.map((own) => {
    const missing = !there.has(`${own.portId} ${own.address}`);
    return { ...own, missing, leaving: own.leaving || (missing && own.missing) };
  });
  return { ...ledger, addresses };
}

/**
 * Ports of the ledger's device that it does not have: a request that was given up made them later. Nobody has their
 * addresses. The ledger must have begun none.
 */
export function strays({ addresses }: PortLedger, ports: readonly OwnPort[]): string[] {
  const known = new Set(addresses.map(({ portId }) => portId));
  return ports.map(({ id }) => id).filter((id) => !known.has(id));
}
