// Finds which port of Neutron, and which VM, a NIC of this node is. It asks one source after another.

import { isOrbError, OrbError } from '#base';
import {
  type Identity,
  judgedPort,
  type OwnNic,
  onlyPort,
  type PortFacts,
  portInDocument,
  type ServerClaim,
  serverOfProviderId,
  type VmDocument,
} from '#plan/openstack';
import type { Neutron } from './neutron.ts';
import type { Port } from './neutron-objects.ts';
import type { Sight } from './service.ts';

/** What the operator says. A port or a VM that is named is not looked for elsewhere. */
export interface IdentityHints {
  readonly portId?: string | undefined;
  /** A Node's `spec.providerID`. */
  readonly providerId?: string | undefined;
  /** The network of the NIC. Needed where ports of two networks match. */
  readonly networkId?: string | undefined;
}

export interface IdentitySources {
  readonly neutron: Pick<Neutron, 'port' | 'ports'>;
  /** May throw OPENSTACK_UNREACHABLE. */
  readonly metadata: () => Promise<Sight<VmDocument>>;
  /** Undefined where none is named. */
  readonly configDrive: (() => Promise<VmDocument>) | undefined;
}

export interface FoundIdentity extends Identity {
  readonly port: Port;
  /** The source that named the port. */
  readonly by: string;
  /** What other sources said instead, each a sentence. */
  readonly passedOver: readonly string[];
}

/**
 * The port and the VM of a NIC. Sources that contradict each other are an error: none of them is then believed. Throws
 * OPENSTACK_NODE_UNKNOWN, and the errors of Neutron.
 */
export async function findIdentity(
  nic: OwnNic,
  hints: IdentityHints,
  sources: IdentitySources,
): Promise<FoundIdentity> {
  const search = new Search(nic, hints, sources);
  return await search.run();
}

class Search {
  readonly #nic: OwnNic;
  readonly #hints: IdentityHints;
  readonly #sources: IdentitySources;
  readonly #claims: ServerClaim[] = [];
  readonly #passedOver: string[] = [];

  constructor(nic: OwnNic, hints: IdentityHints, sources: IdentitySources) {
    this.#nic = nic;
    this.#hints = hints;
    this.#sources = sources;
  }

  async run(): Promise<FoundIdentity> {
    const { portId, providerId, networkId } = this.#hints;
    if (providerId !== undefined) this.#claimProviderId(providerId);
    if (portId !== undefined) return this.#named(portId, 'the configuration');
    if (providerId !== undefined) return this.#ofServer();
    return (
      (await this.#byDocument('the metadata service', await this.#metadata())) ??
      (await this.#byDocument('the config drive', await this.#sources.configDrive?.())) ??
      (await this.#byMac(networkId)) ??
      (await this.#byAddress(networkId)) ??
      this.#unknown('no source knows it')
    );
  }

  #claimProviderId(providerId: string): void {
    const server = serverOfProviderId(providerId);
    if ('why' in server) this.#unknown(`the providerID ${server.why}`);
    else this.#claims.push({ source: 'the providerID', serverId: server.value });
  }

  async #ofServer(): Promise<FoundIdentity> {
    const [claim] = this.#claims;
    const ports = await this.#sources.neutron.ports({
      device_id: claim?.serverId ?? '',
      mac_address: this.#nic.mac,
    });
    const chosen = this.#ofNetwork(ports);
    const only = onlyPort(chosen.map(factsOf), this.#nic);
    if ('why' in only) return this.#unknown(`ports of server ${claim?.serverId}: ${only.why}`);
    return this.#judged(portWith(chosen, only.value.id), 'the providerID');
  }

  /** Of a VM that cannot ask it, nothing is known; that is no reason to believe a less certain source less. */
  async #metadata(): Promise<VmDocument | undefined> {
    try {
      const sight = await this.#sources.metadata();
      if (sight.is === 'there') return sight.value;
      this.#passedOver.push('the metadata service has no document of OpenStack');
    } catch (error) {
      if (!isOrbError(error)) throw error;
      this.#passedOver.push(error.message);
    }
    return undefined;
  }

  async #byDocument(source: string, document: VmDocument | undefined): Promise<FoundIdentity | undefined> {
    if (document === undefined) return undefined;
    const portId = portInDocument(document, this.#nic);
    if ('why' in portId) {
      this.#passedOver.push(`${source} was not believed: ${portId.why}`);
      return undefined;
    }
    this.#claims.push({ source, serverId: document.serverId });
    return this.#named(portId.value, source);
  }

  async #byMac(networkId: string | undefined): Promise<FoundIdentity | undefined> {
    const ports = await this.#sources.neutron.ports({
      mac_address: this.#nic.mac,
      ...(networkId !== undefined && { network_id: networkId }),
    });
    return this.#searched(ports, `the MAC address ${this.#nic.mac}`);
  }

  /** Never without the network: other networks, also those of other tenants, may have the same address. */
  async #byAddress(networkId: string | undefined): Promise<FoundIdentity | undefined> {
    if (networkId === undefined) return undefined;
    for (const address of this.#nic.addresses) {
      const ports = await this.#sources.neutron.ports({ address, network_id: networkId });
      const found = await this.#searched(ports, `the address ${address} in network ${networkId}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #searched(ports: readonly Port[], what: string): Promise<FoundIdentity | undefined> {
    if (ports.length === 0) {
      this.#passedOver.push(`Neutron shows this login no port with ${what}`);
      return undefined;
    }
    const only = onlyPort(ports.map(factsOf), this.#nic);
    if ('why' in only) return this.#unknown(`ports with ${what}: ${only.why}`);
    return this.#judged(portWith(ports, only.value.id), what);
  }

  async #named(portId: string, by: string): Promise<FoundIdentity> {
    const sight = await this.#sources.neutron.port(portId);
    if (sight.is === 'absent')
      return this.#unknown(`${by} names port ${portId}, which Neutron does not show to this login`);
    return this.#judged(sight.value, by);
  }

  #ofNetwork(ports: readonly Port[]): readonly Port[] {
    const { networkId } = this.#hints;
    return ports.filter((port) => networkId === undefined || port.network_id === networkId);
  }

  #judged(port: Port, by: string): FoundIdentity {
    const { networkId } = this.#hints;
    if (networkId !== undefined && port.network_id !== networkId)
      return this.#unknown(`port ${port.id} is in network ${port.network_id}, not in ${networkId}`);
    const judged = judgedPort(factsOf(port), this.#nic, this.#claims);
    if ('why' in judged) return this.#unknown(judged.why);
    return { ...judged.value, port, by, passedOver: this.#passedOver };
  }

  #unknown(why: string): never {
    const tried = this.#passedOver.length === 0 ? '' : ` (${this.#passedOver.join('; ')})`;
    throw new OrbError('OPENSTACK_NODE_UNKNOWN', {
      message: `the port of ${this.#nic.name} is not known: ${why}${tried}`,
      subject: this.#nic.name,
    });
  }
}

function factsOf(port: Port): PortFacts {
  return {
    id: port.id,
    networkId: port.network_id,
    mac: port.mac_address,
    addresses: port.fixed_ips.map(({ ip_address }) => ip_address),
    deviceId: port.device_id,
    deviceOwner: port.device_owner,
  };
}

function portWith(ports: readonly Port[], id: string): Port {
  const port = ports.find((one) => one.id === id);
  if (port === undefined) throw new Error(`port ${id} is not among those that were found`);
  return port;
}
