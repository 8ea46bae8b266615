// The addresses of type `neutron`: on the port of this node's VM, beside it as address pairs, or on ports of our own.

import { type NeutronIpam, parseNeutronIpam } from '#api';
import { abortable, isOrbError, OrbError } from '#base';
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
import type { EventRecorder } from '#kube';
import { ownNic, type Subnet } from '#openstack';
import { knownPlaces, LedgerFile, ledgersIn, type Place } from '#openstack/own-port';
import { readAddressRequest } from '#plan/ipam';
import { type AddressSupply, LONGEST_REST_MS, release } from '#plan/openstack';
import { refuseOtherLogin } from './login.ts';
import { openPlace, type PlaceParts } from './open-place.ts';
import { type PodWish, podWish } from './pod-wish.ts';
import { RecentRefusal } from './recent-refusal.ts';
import { tellRefusal } from './refusal-event.ts';
import { TendedPlace } from './tended-place.ts';

export interface NeutronSourceParts extends Omit<PlaceParts, 'file' | 'isLiving'> {
  /** Whether an attachment of this node says that the pod has this NIC. */
  readonly isLiving: (podUid: string, nic: string) => boolean;
  /** Those of the pod that the runtime means. None of one that the cluster does not know, as a static pod at its start. */
  readonly annotations: (request: AllocationRequest) => Promise<Readonly<Record<string, string>>>;
  /** Called when there are more addresses, or fewer. */
  readonly changed: () => void;
  /** How long an address is given to nobody after its pod. */
  readonly restMs: number;
  readonly events: Pick<EventRecorder, 'record'>;
}

const ownerOf = (podUid: string, nic: string): string => `${podUid} ${nic}`;

export class NeutronSource implements Ipam {
  readonly #parts: NeutronSourceParts;
  readonly #stop = new AbortController();
  /** By what network configurations name. */
  readonly #places = new Map<string, Promise<TendedPlace>>();
  readonly #open = new Set<TendedPlace>();
  #isStarted = false;
  /** A place that could not be opened. */
  readonly #unopened: RecentRefusal;
  /** By the ledger's name. */
  readonly #files = new Map<string, LedgerFile>();

  constructor(parts: NeutronSourceParts) {
    this.#parts = parts;
    this.#unopened = new RecentRefusal(parts.clock);
  }

  /** Opens the places of the last agent again: what it gave back must be looked after, also if no pod comes. */
  async start(): Promise<void> {
    const known = await knownPlaces(this.#parts.folder);
    this.#isStarted = true;
    for (const place of known.values()) {
      this.#placeOf(place).catch((error: unknown) => {
        this.#parts.log.warn(
          { ...place, err: error },
          'addresses of Neutron for this NIC cannot be used; the next ADD tries it again',
        );
      });
    }
  }

  /** What runs is left: the next agent finds it in the ledger. */
  stop(): void {
    this.#stop.abort();
  }

  async unready(): Promise<string | undefined> {
    for (const tended of this.#open) {
      const reason = await tended.unready();
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  validate({ conf, requested }: AddressWish): void {
    parseNeutronIpam(conf);
    readAddressRequest(requested);
  }

  async allocate(request: AllocationRequest): Promise<Allocation> {
    try {
      return await this.#allocate(request);
    } catch (error) {
      tellRefusal(request, 'address', { error, known: await this.unready() }, this.#parts.events);
      throw error;
    } finally {
      this.#parts.changed();
    }
  }

  /**
   * What this node has for pods, of that place that has the least. Undefined: there is no login, or the login is wrong.
   * `unknown`: places are still looked at.
   */
  async supply(): Promise<AddressSupply | 'unknown' | undefined> {
    if (!this.#parts.cloud.hasLogin) return undefined;
    if (!this.#isStarted || this.#places.size > this.#open.size) return 'unknown';
    const { low, high } = this.#parts.warm;
    // Nobody has asked yet. There is one more than are fetched with the first.
    if (this.#open.size === 0)
      return { ready: 0, more: this.#unopened.isRecent ? 0 : 1 + high, holders: new Set<string>() };
    const supplies = await Promise.all(Array.from(this.#open, (tended) => tended.supply()));
    const known = supplies.filter((supply) => supply !== undefined);
    if (known.length < supplies.length) return 'unknown';
    return {
      ready: Math.min(...known.map(({ ready }) => ready)),
      // What is kept ready comes before its pod. Where nothing is, one pod at a time may try.
      more: low === 0 && known.every(({ canFetch }) => canFetch) ? 1 : 0,
      holders: new Set(known.flatMap(({ owners }) => owners.map((owner) => owner.split(' ')[0] ?? ''))),
    };
  }

  async #allocate(request: AllocationRequest): Promise<Allocation> {
    const { conf, podUid, interfaceName: nic, signal } = request;
    const ipam = parseNeutronIpam(conf);
    if (podUid === undefined)
      throw new OrbError('CNI_POD_UNKNOWN', { message: 'CNI_ARGS lacks K8S_POD_UID', subject: 'CNI_ARGS' });
    refuseOtherLogin(ipam, this.#parts.cloud.login().config);
    const tended = await abortable(this.#placeFor(ipam), signal);
    const { ledger, subnets } = tended.place;
    const routes = routesOf(ipam, nic, subnets);
    const wish = podWish(await this.#parts.annotations(request), request, { ...ipam.neutronConf, subnets });
    const taken = await this.#take(tended, ownerOf(podUid, nic), wish, signal);
    const addresses = taken.map(({ subnet, address }): AllocatedAddress => {
      const { prefixLength } = parseCidr(subnet.cidr);
      const gateway = subnet.gateway_ip;
      return {
        ...{ nic, address: { address: parseAddress(address), prefixLength }, heldIn: ledger },
        ...(gateway !== null && { gateway: parseAddress(gateway) }),
      };
    });
    const nameservers = subnets.flatMap((subnet) => subnet.dns_nameservers);
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
      const isHeld = this.#holds(heldIn, ownerOf(podUid, nic), formatAddress(address));
      if (!(await abortable(isHeld, signal))) throw notHeldError(nic, address, `Neutron: ${heldIn}`);
    }
  }

  /** An address of each subnet, or none: if one fails, a pod that had none before keeps none. */
  async #take(
    tended: TendedPlace,
    owner: string,
    { groups, addressIn }: PodWish,
    signal: AbortSignal,
  ): Promise<{ readonly subnet: Subnet; readonly address: string }[]> {
    const { addresses, subnets } = tended.place;
    const hadSome = await addresses.hasSome(owner);
    const takes = subnets.map(async (subnet) => {
      const asks = { groups, address: addressIn(subnet), signal };
      return { subnet, address: await abortable(addresses.take(owner, subnet.id, asks), signal) };
    });
    const failed = (await Promise.allSettled(takes)).find((one) => one.status === 'rejected');
    // That another has the very address says nothing of others.
    if (failed !== undefined && !isOrbError(failed.reason, 'ADDRESS_REQUEST_TAKEN')) tended.refused();
    if (failed !== undefined && !hadSome) await addresses.release((own) => own.owner === owner, 0);
    tended.wake();
    return await Promise.all(takes);
  }

  async #release(isReleased: Parameters<typeof release>[1], restMs: number): Promise<void> {
    const untilMs = this.#parts.clock.now() + restMs;
    for (const name of ledgersIn(this.#parts.folder)) {
      await this.#file(name).update((ledger) => release(ledger, isReleased, untilMs));
    }
    for (const tended of this.#open) tended.wake();
    this.#parts.changed();
  }

  async #placeFor({ neutronConf: { mode, hostInterface, networks } }: NeutronIpam): Promise<TendedPlace> {
    const { name: nic } = ownNic(this.#parts.node, hostInterface).identity;
    const [only, ...others] = networks;
    const tended = await this.#placeOf({ mode, nic, networkId: others.length === 0 ? only : undefined });
    const { networkId } = tended.place;
    if (networks.length === 0 || networks.includes(networkId)) return tended;
    const message = `network configuration: the port of ${nic} is in network ${networkId}, and ipam.neutronConf.networks has ${networks.join(', ')}`;
    throw new OrbError('INPUT_INVALID', { message, subject: 'ipam.neutronConf.networks' });
  }

  /** It is opened once. Throws what stops that; the next call tries again. */
  #placeOf(place: Place): Promise<TendedPlace> {
    // A NIC has one port, whatever names its network. Ports of our own are in the network that is named.
    const key = [place.mode, place.nic, ...(place.mode === 'port' ? [place.networkId] : [])].join(' ');
    const before = this.#places.get(key);
    if (before !== undefined) return before;
    const opened = this.#openPlace(place);
    this.#places.set(key, opened);
    opened.catch(() => {
      this.#places.delete(key);
      this.#unopened.note();
    });
    return opened;
  }

  async #openPlace(place: Place): Promise<TendedPlace> {
    const { log } = this.#parts;
    const open = await openPlace(place, {
      ...this.#parts,
      isLiving: (owner) => this.#isLiving(owner),
      file: (name) => this.#file(name),
    });
    const tended = new TendedPlace(open, this.#parts);
    this.#open.add(tended);
    log.info({ ...place, ledger: open.ledger }, 'Neutron gives addresses to pods');
    void tended.run(this.#stop.signal);
    return tended;
  }

  /** A place that is not open yet is opened. If the NIC has another port now, nobody has the ledger of the first. */
  async #holds(ledger: string, owner: string, address: string): Promise<boolean> {
    const open = [...this.#open].find(({ place }) => place.ledger === ledger);
    const known = open === undefined ? (await knownPlaces(this.#parts.folder)).get(ledger) : undefined;
    const tended = known === undefined ? open : await this.#placeOf(known);
    return tended?.place.ledger === ledger && (await tended.place.addresses.holds(owner, address));
  }

  #isLiving(owner: string): boolean {
    const [podUid = '', nic = ''] = owner.split(' ');
    return this.#parts.isLiving(podUid, nic);
  }

  #file(name: string): LedgerFile {
    const { folder, clock } = this.#parts;
    const file = this.#files.get(name) ?? new LedgerFile(folder, name, clock);
    this.#files.set(name, file);
    return file;
  }
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
