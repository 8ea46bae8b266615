// Finds what a place of this node is in Neutron: the port, the network, the subnets, and the keeper of addresses.

import { type Clock, isOrbError, type Logger, OrbError } from '#base';
import type { Family } from '#ip';
import type { NetworkNamespace } from '#net';
import { type CloudClient, type FoundIdentity, type NodeNic, ownNic, type Subnet } from '#openstack';
import {
  AddressPairs,
  FixedIps,
  type LedgerFile,
  OwnPorts,
  type OwnPortsParts,
  type Place,
  PortAddresses,
  rememberPlace,
} from '#openstack/own-port';
import { ledgerName, onePerFamily, type PortOrigin, subnetsOf, type WarmLimits } from '#plan/openstack';
import type { NodeCloud } from '../node-cloud.ts';

export interface PlaceParts {
  readonly cloud: NodeCloud;
  /** Of the ledgers, and of what is known of NICs. */
  readonly folder: string;
  readonly file: (ledger: string) => LedgerFile;
  readonly node: NetworkNamespace;
  /** What ports of our own say of themselves. */
  readonly origin: () => Promise<PortOrigin>;
  /** Whether a pod of this node has the NIC: its owner's name. */
  readonly isLiving: (owner: string) => boolean;
  readonly families: readonly Family[];
  readonly warm: WarmLimits;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface OpenPlace {
  /** The name of its ledger. */
  readonly ledger: string;
  readonly networkId: string;
  readonly addresses: PortAddresses;
  readonly subnets: readonly Subnet[];
}

/**
 * Makes the ledger agree with the cloud. What pods have left behind that ended while no agent ran is released. Throws
 * OPENSTACK_NODE_UNKNOWN, and the errors of Neutron.
 */
export async function openPlace(place: Place, parts: PlaceParts): Promise<OpenPlace> {
  const nic = ownNic(parts.node, place.nic);
  const identity = await identityOf(place, nic, parts);
  const networkId = identity?.networkId ?? place.networkId ?? '';
  const subnets = onePerFamily(await subnetsFor(identity, networkId, nic, parts), parts.families);
  if (subnets.length === 0) {
    const message = `no subnet of network ${networkId} has addresses for the pods of ${place.nic}`;
    throw new OrbError('OPENSTACK_REFUSED', { message, subject: networkId });
  }
  const ledger = ledgerName(place.mode, { portId: identity?.portId ?? '', networkId });
  const file = parts.file(ledger);
  const keeper = await keeperOf(place, { identity, networkId, nic, file }, parts);
  const addresses = new PortAddresses({ ...parts, file, keeper });
  await rememberPlace(parts.folder, ledger, place);
  await addresses.reconcile();
  await addresses.release(({ owner }) => !parts.isLiving(owner), 0);
  return { ledger, networkId, addresses, subnets };
}

/** Ports of our own can be made in a network that is named, also where the node has no port in it. */
async function identityOf(
  { mode, networkId }: Place,
  nic: NodeNic,
  { cloud }: PlaceParts,
): Promise<FoundIdentity | undefined> {
  try {
    return await cloud.identityOf(nic, networkId);
  } catch (error) {
    const isNeeded = mode !== 'port' || networkId === undefined;
    if (isNeeded || !isOrbError(error, 'OPENSTACK_NODE_UNKNOWN')) throw error;
    return undefined;
  }
}

/** Those of the node's own addresses, or all of the network. */
async function subnetsFor(
  identity: FoundIdentity | undefined,
  networkId: string,
  nic: NodeNic,
  { cloud }: PlaceParts,
): Promise<Subnet[]> {
  const { neutron } = cloud.login().client;
  if (identity === undefined) return neutron.subnets(networkId);
  const ids = subnetsOf(identity.port.fixed_ips, nic.identity.addresses);
  return await Promise.all(
    ids.map(async (id) => {
      const sight = await neutron.subnet(id);
      if (sight.is === 'there') return sight.value;
      const message = `Neutron does not show subnet ${id} to this login`;
      throw new OrbError('OPENSTACK_NOT_FOUND', { message, subject: id });
    }),
  );
}

async function keeperOf(
  { mode }: Place,
  found: {
    readonly identity: FoundIdentity | undefined;
    readonly networkId: string;
    readonly nic: NodeNic;
    readonly file: LedgerFile;
  },
  { cloud, clock, log, origin }: PlaceParts,
): Promise<FixedIps | AddressPairs | OwnPorts> {
  const { neutron } = cloud.login().client;
  const { identity, networkId, nic, file } = found;
  const common = { neutron, file, clock, log };
  const portId = identity?.portId;
  const ownPorts = async (pair: OwnPortsParts['pair']) =>
    new OwnPorts({
      ...common,
      networkId,
      pair,
      origin: await origin(),
      nodeGroups: () => groupsOf(neutron, portId),
    });
  if (portId === undefined || mode === 'port') return await ownPorts('none');
  if (mode === 'fixed-ips') return new FixedIps({ ...common, portId, nodeAddresses: nic.identity.addresses });
  return new AddressPairs({ ...common, portId, reserve: await ownPorts('new') });
}

/** Undefined where Neutron shows no port: it then chooses the project's default group. */
async function groupsOf(
  neutron: CloudClient['neutron'],
  portId: string | undefined,
): Promise<readonly string[] | undefined> {
  if (portId === undefined) return undefined;
  const sight = await neutron.port(portId);
  return sight.is === 'there' ? sight.value.security_groups : undefined;
}
