// Which port of Neutron a NIC of this node is. Several sources may say it; each is checked against the node and against Neutron.

/** The node's NIC that carries the pods, and all MAC addresses of the node. */
export interface OwnNic {
  readonly name: string;
  /** Lower case, with colons. */
  readonly mac: string;
  /** In the form of Neutron: `10.10.10.8`, `fd00::8`. */
  readonly addresses: readonly string[];
  /** Of all links of the node: an address may stand on a bridge over the NIC. */
  readonly macsOfNode: readonly string[];
}

/** What is read of a port. */
export interface PortFacts {
  readonly id: string;
  readonly networkId: string;
  readonly mac: string;
  readonly addresses: readonly string[];
  /** The VM's id. */
  readonly deviceId: string;
  readonly deviceOwner: string;
}

/** What a VM is told of itself: by the metadata service, or on its config drive. */
export interface VmDocument {
  readonly serverId: string;
  readonly links: readonly { readonly portId: string; readonly mac: string }[];
}

/** Where the id of a VM was read, for messages. */
export interface ServerClaim {
  readonly source: string;
  readonly serverId: string;
}

export interface Identity {
  readonly portId: string;
  readonly networkId: string;
  readonly serverId: string;
}

export type Verdict<T> = { readonly value: T } | { readonly why: string };

/**
 * The port of the NIC in a VM's document. A document without the NIC's MAC address is of another VM, as on a disk that
 * was copied, or older than the NIC.
 */
export function portInDocument(document: VmDocument, nic: OwnNic): Verdict<string> {
  const links = document.links.filter(({ mac }) => mac === nic.mac);
  const [link, ...others] = links;
  if (link === undefined) return { why: `it has no NIC with ${nic.mac}, the MAC address of ${nic.name}` };
  if (others.length > 0) return { why: `it has ${links.length} NICs with ${nic.mac}` };
  return { value: link.portId };
}

/** A Node's `spec.providerID` of this cloud: `openstack:///ID`, or `openstack://REGION/ID`. */
const PROVIDER_ID = /^openstack:\/\/[^/]*\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

/** The id of the VM that a providerID names. */
export function serverOfProviderId(providerId: string): Verdict<string> {
  const serverId = PROVIDER_ID.exec(providerId)?.[1];
  if (serverId !== undefined) return { value: serverId };
  return { why: `${JSON.stringify(providerId)} has not the form openstack://REGION/ID` };
}

/**
 * The only port of a search that is the NIC's. Several are a question to the user: two networks may have equal
 * addresses, and equal MAC addresses.
 */
export function onlyPort(ports: readonly PortFacts[], nic: OwnNic): Verdict<PortFacts> {
  const own = ports.filter((port) => port.mac === nic.mac || isOnOtherLink(port, nic));
  const [port, ...others] = own;
  if (port === undefined) return { why: whyNone(ports, nic) };
  if (others.length > 0) {
    const networks = own.map(({ id, networkId }) => `${id} in network ${networkId}`).join(', ');
    return { why: `${own.length} ports match ${nic.name}: ${networks}` };
  }
  return { value: port };
}

/** An address may stand on a bridge or a bond, and its port's MAC address on the NIC below. */
function isOnOtherLink(port: PortFacts, nic: OwnNic): boolean {
  return (
    nic.macsOfNode.includes(port.mac) && port.addresses.some((address) => nic.addresses.includes(address))
  );
}

function whyNone(ports: readonly PortFacts[], nic: OwnNic): string {
  if (ports.length === 0) return 'there is none';
  const found = ports.map(({ id, mac }) => `${id} with ${mac}`).join(', ');
  return `found ${found}, which is not ${nic.name} (${nic.mac})`;
}

/**
 * Whether a port is the NIC's, by Neutron's own record. It must have the NIC's MAC address, or the address and a MAC
 * address of the node. It must be a VM's, and of the VM that every source names.
 */
export function judgedPort(port: PortFacts, nic: OwnNic, claims: readonly ServerClaim[]): Verdict<Identity> {
  if (port.mac !== nic.mac && !isOnOtherLink(port, nic))
    return { why: `port ${port.id} has ${port.mac}, and ${nic.name} of this node has ${nic.mac}` };
  if (!port.deviceOwner.startsWith('compute:') || port.deviceId === '') {
    const owner = port.deviceOwner === '' ? 'nobody' : port.deviceOwner;
    return { why: `port ${port.id} belongs to ${owner}, not to a VM` };
  }
  const other = claims.find(({ serverId }) => serverId !== port.deviceId);
  if (other !== undefined) {
    const says = `${other.source} says that this node is server ${other.serverId}`;
    return { why: `port ${port.id} is of server ${port.deviceId}, but ${says}` };
  }
  return { value: { portId: port.id, networkId: port.networkId, serverId: port.deviceId } };
}
