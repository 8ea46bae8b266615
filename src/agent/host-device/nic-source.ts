// The NICs of type `host-device-plus` that OpenStack adds to this node, a VM, for pods.

import type { CniResult, NeutronNicIpam } from '#api';
import { abortable, BackOff, type Clock, errorText, isOrbError, type Logger, OrbError } from '#base';
import type { CloudNic, CloudNics, NicRequest } from '#cni';
import { defaultDestination, type Family, formatCidr, parseAddress, parseCidr } from '#ip';
import type { EventRecorder } from '#kube';
import type { Link, NetworkNamespace } from '#net';
import { linkArrives } from '#node';
import { type NodeNic, ownNic } from '#openstack';
import { NicLedgerFile, nicLedgersIn, VmNics } from '#openstack/own-nics';
import { knownNics } from '#openstack/own-port';
import type { AttachmentKey } from '#plan/network';
import {
  type AddressSupply,
  givenBack,
  nicOfOwner,
  type PortOfNic,
  type PortOrigin,
  type WarmLimits,
} from '#plan/openstack';
import { refuseOtherLogin, tellRefusal } from '../neutron/index.ts';
import type { NodeCloud } from '../node-cloud.ts';
import { NodeVm } from './node-vm.ts';

export interface NicSourceParts {
  readonly cloud: NodeCloud;
  readonly node: NetworkNamespace;
  /** Of what is known of the node's own NICs. */
  readonly folder: string;
  /** What the ports of NICs say of themselves. */
  readonly origin: () => Promise<PortOrigin>;
  /** The UID of the pod of an attachment that has a NIC of ours, as far as it is known; undefined: there is no such attachment. */
  readonly podUidOf: (owner: AttachmentKey) => string | undefined;
  /** Called when {@link NicSource.supply} may be another. */
  readonly changed: () => void;
  readonly families: readonly Family[];
  readonly warm: WarmLimits;
  /** Whether a NIC of the cloud is recorded for a pod. Then there was a ledger. */
  readonly gaveNics: () => boolean;
  readonly events: Pick<EventRecorder, 'record'>;
  /** An Event on the node. */
  readonly warnOnNode: (reason: string, message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

const DAMAGED_ADVICE =
  'pods get no NIC of the cloud, and those that end keep theirs. Move the file away: the agent begins a new ledger, and names the NICs that this one had';

/** The reason of the Event. */
const LOST = 'NicLedgerLost';

const ownerOf = ({ containerId, interfaceName }: AttachmentKey): string => `${containerId} ${interfaceName}`;

export class NicSource implements CloudNics {
  readonly #parts: NicSourceParts;
  readonly #stop = new AbortController();
  /** By the server's id. */
  readonly #files = new Map<string, NicLedgerFile>();
  readonly #vms = new Map<string, NodeVm>();
  /** By the name of the NIC that tells which VM this is. */
  readonly #opening = new Map<string, Promise<NodeVm>>();
  /** One after another: two NICs of a VM open it once. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: NicSourceParts) {
    this.#parts = parts;
  }

  /** What ended pods have left is taken back, also if no pod comes. */
  start(): void {
    if (nicLedgersIn(this.#parts.folder).length > 0 || this.#parts.gaveNics()) void this.#openAgain();
  }

  /** What runs is left: the next agent finds it in the ledger. */
  stop(): void {
    this.#stop.abort();
  }

  async take(request: NicRequest): Promise<CloudNic> {
    refuseOtherLogin(request.ipam, this.#parts.cloud.login().config);
    try {
      return await this.#take(request);
    } catch (error) {
      this.#tell(request, error);
      throw error;
    }
  }

  async #take({ ipam, owner, signal }: NicRequest): Promise<CloudNic> {
    const { hostInterface, networks, securityGroups } = ipam.neutronConf;
    const vm = await abortable(this.#vmOf(hostInterface), signal);
    const kind = { networkId: networks[0] ?? vm.networkId, groups: securityGroups ?? null };
    const { port, networkId } = await abortable(vm.nicFor(ownerOf(owner), kind), signal);
    if (port === null)
      throw new OrbError('INTERNAL', { message: `a NIC of network ${networkId} has no port` });
    return { mac: port.mac, mtuBytes: port.mtuBytes ?? undefined, result: this.#resultOf(port, ipam) };
  }

  /** A pod of which nothing is known has no Event. */
  #tell({ pod, owner: { interfaceName } }: NicRequest, error: unknown): void {
    const { podNamespace, podName, podUid } = pod;
    if (podNamespace === undefined || podName === undefined) return;
    const [known] = [...this.#vms.values()].flatMap((vm) => vm.refusal ?? []);
    const refused = { podNamespace, podName, podUid, interfaceName };
    tellRefusal(refused, 'NIC', { error, known }, this.#parts.events);
  }

  async release(owner: AttachmentKey): Promise<void> {
    const name = ownerOf(owner);
    // Also while the VM is not opened yet.
    for (const serverId of nicLedgersIn(this.#parts.folder)) {
      await this.#file(serverId).update((ledger) => givenBack(ledger, (one) => one === name));
    }
    for (const vm of this.#vms.values()) vm.wake();
  }

  async verify(owner: AttachmentKey, signal: AbortSignal): Promise<void> {
    const { nova } = this.#parts.cloud.login().client;
    for (const serverId of nicLedgersIn(this.#parts.folder)) {
      const port = nicOfOwner(await this.#file(serverId).read(), ownerOf(owner))?.port ?? undefined;
      if (port === undefined) continue;
      if ((await nova.interface(serverId, port.id, signal)).is === 'there') return;
      const message = `server ${serverId} has no NIC on port ${port.id} any more`;
      throw new OrbError('CNI_CHECK_FAILED', { message, subject: port.id });
    }
    const message = `no NIC of this VM is kept for interface ${owner.interfaceName} of container ${owner.containerId}`;
    throw new OrbError('CNI_CHECK_FAILED', { message });
  }

  /** What this node has for pods, once a pod has asked for a NIC. */
  async supply(): Promise<AddressSupply | undefined> {
    const [vm] = this.#vms.values();
    if (vm === undefined) return undefined;
    const { ready, more, owners } = await vm.supply();
    return { ready, more, holders: new Set(owners.flatMap((owner) => this.#podUid(owner) ?? [])) };
  }

  #podUid(owner: string): string | undefined {
    const [containerId = '', interfaceName = ''] = owner.split(' ');
    return this.#parts.podUidOf({ containerId, interfaceName });
  }

  /** The VM of an earlier agent, as soon as the cloud can be asked. Never rejects. */
  async #openAgain(): Promise<void> {
    const { clock, log, folder } = this.#parts;
    const { signal } = this.#stop;
    const waits = new BackOff({ firstMs: 1_000, maximumMs: 60_000 });
    while (!signal.aborted && this.#vms.size === 0) {
      const known = knownNics(folder);
      for (const nic of known.length > 0 ? known : [undefined]) {
        await this.#vmOf(nic).catch((error: unknown) => {
          log.warn({ nic, err: error }, 'the NICs that this VM has for pods cannot be looked after yet');
          if (isOrbError(error, 'FILE_DAMAGED'))
            this.#parts.warnOnNode(LOST, `${errorText(error)}: ${DAMAGED_ADVICE}`);
        });
      }
      if (this.#vms.size === 0) await clock.sleep(waits.next(), signal).catch(() => {}); // the agent leaves
    }
  }

  /** Throws what stops it; the next call tries again. */
  async #vmOf(name: string | undefined): Promise<NodeVm> {
    const nic = ownNic(this.#parts.node, name);
    const key = nic.identity.name;
    const before = this.#opening.get(key);
    if (before !== undefined) return before;
    const opened = this.#turn.then(() => this.#open(nic));
    this.#turn = opened.catch(() => {}); // its caller hears of it
    this.#opening.set(key, opened);
    opened.catch(() => this.#opening.delete(key));
    return opened;
  }

  async #open(nic: NodeNic): Promise<NodeVm> {
    const { node, cloud, log } = this.#parts;
    const { nova, neutron } = cloud.login().client;
    const identity = await cloud.identityOf(nic);
    const { serverId, networkId } = identity;
    const before = this.#vms.get(serverId);
    if (before !== undefined) return before;
    const file = this.#file(serverId);
    const hasLink = (mac: string) => node.links().some(isNicWith(mac));
    const nics = new VmNics({
      ...{ ...this.#parts, nova, neutron, file, serverId, hasLink, origin: await this.#parts.origin() },
      linkArrives: (mac, signal) => linkArrives(node, isNicWith(mac), signal),
    });
    const isLiving = (owner: string) => this.#podUid(owner) !== undefined;
    const tellUnknown = (ports: readonly string[]) => this.#tellUnknown(serverId, ports);
    const vm = await NodeVm.open({ ...this.#parts, nics, file, networkId, hasLink, isLiving, tellUnknown });
    this.#vms.set(serverId, vm);
    log.info({ server: serverId }, 'this VM gets NICs for pods');
    void vm.run(this.#stop.signal);
    return vm;
  }

  /** Only an operator can know whether a pod still uses them. */
  #tellUnknown(server: string, ports: readonly string[]): void {
    const mends = ports.map((port) => `openstack server remove port ${server} ${port}`).join('; ');
    const message = `the ledger of the NICs of VM ${server} was lost: nobody knows whose ports ${ports.join(', ')} are, so no pod gets their NICs and nobody detaches them. If no pod uses them: ${mends}`;
    this.#parts.log.warn({ server, ports }, message);
    this.#parts.warnOnNode(LOST, message);
  }

  #resultOf({ addresses, nameservers }: PortOfNic, { routes }: NeutronNicIpam): CniResult {
    const families: readonly Family[] = this.#parts.families;
    const served = addresses.filter(({ address }) => families.includes(parseCidr(address).address.family));
    const ips = served.map(({ address, gateway }) => ({ address, ...(gateway !== null && { gateway }) }));
    const defaults = ips.flatMap(({ gateway }) => {
      if (gateway === undefined) return [];
      return { dst: formatCidr(defaultDestination(parseAddress(gateway).family)), gw: gateway };
    });
    const asked = routes?.map(({ dst, gw }) => ({ dst, ...(gw !== undefined && { gw }) }));
    return {
      ...{ ips, routes: asked ?? defaults },
      ...(nameservers.length > 0 && { dns: { nameservers } }),
    };
  }

  #file(serverId: string): NicLedgerFile {
    const file = this.#files.get(serverId) ?? new NicLedgerFile(this.#parts.folder, serverId);
    this.#files.set(serverId, file);
    return file;
  }
}

/** A bridge has the MAC address of its port. */
const isNicWith =
  (mac: string) =>
  (link: Link): boolean =>
    link.mac === mac && link.kind !== 'bridge';
