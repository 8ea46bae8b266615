// The addresses of type `neutron`: those of the port that a NIC of this node is, as OpenStack's port security demands.

import { type NeutronIpam, parseNeutronIpam } from '#api';
import { abortable, OrbError } from '#base';
import {
  type AddressWish,
  type AllocatedAddress,
  type AllocatedRoute,
  type Allocation,
  type AllocationRequest,
  type HoldingRequest,
  type Ipam,
  notHeldError,
  type ReleaseRequest,
} from '#cni';
import { defaultDestination, formatAddress, networkOf, parseAddress, parseCidr } from '#ip';
import {
  type CloudClient,
  type CloudConfig,
  cloudClient,
  knownNics,
  LedgerFile,
  ledgersIn,
  ownNic,
  PortAddresses,
  type Subnet,
} from '#openstack';
import { LONGEST_REST_MS, release } from '#plan/openstack';
import { refuseOtherLogin } from './login.ts';
import { NodePort, type NodePortParts } from './node-port.ts';

export interface NeutronSourceParts extends Omit<NodePortParts, 'cloud' | 'file' | 'isLiving'> {
  /** Throws OPENSTACK_CONFIG_INVALID. It is first called by the first ADD: most nodes are in no cloud. */
  readonly cloud: () => CloudConfig;
  /** Whether an attachment of this node says that the pod has this NIC. */
  readonly isLiving: (podUid: string, nic: string) => boolean;
  /** How long an address is given to nobody after its pod. */
  readonly restMs: number;
}

const ownerOf = (podUid: string, nic: string): string => `${podUid} ${nic}`;

export class NeutronSource implements Ipam {
  readonly #parts: NeutronSourceParts;
  readonly #stop = new AbortController();
  /** By the name of the NIC. */
  readonly #ports = new Map<string, Promise<NodePort>>();
  readonly #open = new Set<NodePort>();
  #client: { readonly client: CloudClient; readonly config: CloudConfig } | undefined;
  /** By the port's id. */
  readonly #files = new Map<string, LedgerFile>();

  constructor(parts: NeutronSourceParts) {
    this.#parts = parts;
  }

  /** Opens the ports of the last agent again: what it gave back must be looked after, also if no pod comes. */
  start(): void {
    for (const nic of knownNics(this.#parts.folder)) {
      this.#portOf(nic, undefined).catch((error: unknown) => {
        this.#parts.log.warn(
          { nic, err: error },
          'the port of the NIC cannot be used; the next ADD tries it again',
        );
      });
    }
  }

  /** What runs is left: the next agent finds it in the ledger. */
  stop(): void {
    this.#stop.abort();
    this.#client?.client.close();
  }

  async unready(): Promise<string | undefined> {
    for (const port of this.#open) {
      const reason = await port.unready();
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  validate({ conf, requested }: AddressWish): void {
    parseNeutronIpam(conf);
    const field = Object.entries(requested).find(([, value]) => isAsked(value))?.[0];
    if (field === undefined) return;
    const message = `${field} requests an address, but Neutron chooses those of type neutron`;
    throw new OrbError('ADDRESS_REQUEST_UNSERVED', { message, subject: field });
  }

  async allocate(request: AllocationRequest): Promise<Allocation> {
    const { conf, podUid, interfaceName: nic, signal } = request;
    const ipam = parseNeutronIpam(conf);
    if (podUid === undefined)
      throw new OrbError('CNI_POD_UNKNOWN', { message: 'CNI_ARGS lacks K8S_POD_UID', subject: 'CNI_ARGS' });
    refuseOtherLogin(ipam, this.#cloud().config);
    const port = await abortable(this.#portFor(ipam), signal);
    const routes = routesOf(ipam, nic, port.subnets);
    const taken = await this.#take(port, ownerOf(podUid, nic), signal);
    const addresses = taken.map(({ subnet, address }): AllocatedAddress => {
      const { prefixLength } = parseCidr(subnet.cidr);
      const gateway = subnet.gateway_ip;
      return {
        ...{ nic, address: { address: parseAddress(address), prefixLength }, heldIn: port.portId },
        ...(gateway !== null && { gateway: parseAddress(gateway) }),
      };
    });
    const nameservers = port.subnets.flatMap((subnet) => subnet.dns_nameservers);
    return {
      ...{ podUid, addresses, routes },
      ...(nameservers.length > 0 && { dns: { nameservers } }),
    };
  }

  async release({ podUid, nic }: ReleaseRequest): Promise<void> {
    await this.#release(
      ({ owner }) =>
        nic === undefined ? owner.startsWith(ownerOf(podUid, '')) : owner === ownerOf(podUid, nic),
      this.#parts.restMs,
    );
  }

  async quarantine({ podUid, nic, addresses }: HoldingRequest): Promise<void> {
    const used = addresses.map(({ address }) => formatAddress(address));
    await this.#release(
      (own) => own.owner === ownerOf(podUid, nic) && used.includes(own.address),
      LONGEST_REST_MS,
    );
  }

  /** The owner is whom the runtime names, for static pods too: the API server is not asked. */
  async ownerUid({ uid }: { readonly uid: string }): Promise<string> {
    return uid;
  }

  async verify({ podUid, nic, addresses, signal }: HoldingRequest): Promise<void> {
    for (const { address, heldIn } of addresses) {
      const isHeld = await abortable(
        this.#addressesOf(heldIn).holds(ownerOf(podUid, nic), formatAddress(address)),
        signal,
      );
      if (!isHeld) throw notHeldError(nic, address, `port ${heldIn} of Neutron`);
    }
  }

  /** An address of each subnet, or none: if one fails, a pod that had none before keeps none. */
  async #take(
    port: NodePort,
    owner: string,
    signal: AbortSignal,
  ): Promise<{ readonly subnet: Subnet; readonly address: string }[]> {
    const { addresses, subnets } = port;
    const hadSome = await addresses.hasSome(owner);
    const takes = subnets.map(async (subnet) => {
      return { subnet, address: await abortable(addresses.take(owner, subnet.id), signal) };
    });
    const failed = (await Promise.allSettled(takes)).find(({ status }) => status === 'rejected');
    if (failed !== undefined && !hadSome) await addresses.release((own) => own.owner === owner, 0);
    port.wake();
    return await Promise.all(takes);
  }

  async #release(isReleased: Parameters<typeof release>[1], restMs: number): Promise<void> {
    const untilMs = this.#parts.clock.now() + restMs;
    for (const portId of ledgersIn(this.#parts.folder)) {
      await this.#file(portId).update((ledger) => release(ledger, isReleased, untilMs));
    }
    for (const port of this.#open) port.wake();
  }

  async #portFor({ neutronConf: { hostInterface, networks } }: NeutronIpam): Promise<NodePort> {
    const { name } = ownNic(this.#parts.node, hostInterface).identity;
    const [only, ...others] = networks;
    const port = await this.#portOf(name, others.length === 0 ? only : undefined);
    if (networks.length === 0 || networks.includes(port.networkId)) return port;
    const message = `network configuration: the port of ${name} is in network ${port.networkId}, and ipam.neutronConf.networks has ${networks.join(', ')}`;
    throw new OrbError('INPUT_INVALID', { message, subject: 'ipam.neutronConf.networks' });
  }

  /** The NIC's port, which is opened once. Throws what stops that; the next call tries again. */
  #portOf(nic: string, networkId: string | undefined): Promise<NodePort> {
    const before = this.#ports.get(nic);
    if (before !== undefined) return before;
    const opened = this.#openPort(nic, networkId);
    this.#ports.set(nic, opened);
    opened.catch(() => this.#ports.delete(nic));
    return opened;
  }

  async #openPort(nic: string, networkId: string | undefined): Promise<NodePort> {
    const { log } = this.#parts;
    const port = await NodePort.open(nic, networkId, {
      ...this.#parts,
      cloud: this.#cloud().client,
      isLiving: (owner) => this.#isLiving(owner),
      file: (portId) => this.#file(portId),
    });
    this.#open.add(port);
    log.info({ nic, port: port.portId }, 'the port of the NIC gives addresses to pods');
    void port.run(this.#stop.signal);
    return port;
  }

  /** Those of an open port, or of one that only its ledger knows. */
  #addressesOf(portId: string): PortAddresses {
    const open = [...this.#open].find((port) => port.portId === portId);
    if (open !== undefined) return open.addresses;
    const { neutron } = this.#cloud().client;
    return new PortAddresses({
      ...this.#parts,
      neutron,
      file: this.#file(portId),
      portId,
      nodeAddresses: [],
    });
  }

  #isLiving(owner: string): boolean {
    const [podUid = '', nic = ''] = owner.split(' ');
    return this.#parts.isLiving(podUid, nic);
  }

  /** The client, with the login as it was read first. */
  #cloud(): { readonly client: CloudClient; readonly config: CloudConfig } {
    if (this.#client === undefined) {
      const config = this.#parts.cloud();
      this.#client = { config, client: cloudClient(config, this.#parts) };
    }
    return this.#client;
  }

  #file(portId: string): LedgerFile {
    const { folder, clock } = this.#parts;
    const file = this.#files.get(portId) ?? new LedgerFile(folder, portId, clock);
    this.#files.set(portId, file);
    return file;
  }
}

function isAsked(value: unknown): boolean {
  return (
    value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
  );
}

/** Those of the configuration, or a default route by the gateway of each subnet. */
function routesOf({ routes }: NeutronIpam, nic: string, subnets: readonly Subnet[]): AllocatedRoute[] {
  const gatewayOf = ({ gateway_ip: gateway }: Subnet) =>
    gateway === null ? undefined : parseAddress(gateway);
  if (routes === undefined)
    return subnets.flatMap((subnet) => {
      const gateway = gatewayOf(subnet);
      return gateway === undefined
        ? []
        : { nic, destination: defaultDestination(subnet.ip_version), gateway };
    });
  return routes.flatMap(({ dst, gw }, i) => {
    const destination = networkOf(parseCidr(dst));
    const subnet = subnets.find(({ ip_version }) => ip_version === destination.address.family);
    // The NIC has no address of the family.
    if (subnet === undefined) return [];
    const gateway = gw === undefined ? gatewayOf(subnet) : parseAddress(gw);
    if (gateway !== undefined) return { nic, destination, gateway };
    const field = `ipam.routes[${i}].gw`;
    const message = `network configuration: ${field} is missing, and subnet ${subnet.cidr} has no gateway`;
    throw new OrbError('INPUT_INVALID', { message, subject: field });
  });
}
