// A CNI type that gives addresses: the IPAM plugin that main plugins (macvlan, ipvlan, SR-IOV …) delegate to. The types
// differ in their source of addresses.

import { type CniResult, parseKubernetesArgs, prevResultOf, requestedIn } from '#api';
import { OrbError } from '#base';
import type { Cidr } from '#ip';
import type { NetworkNamespace } from '#net';
import { type AttachmentRecord, type Attachments, ipamPart, switchOffDuplicateDetection } from '#node';
import { collectGarbage } from '../collection.ts';
import type { Detection } from '../detection.ts';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from '../plugin.ts';
import { podIfKnown, requirePod } from '../pod-identity.ts';
import { resultOf } from './allocation-result.ts';
import type {
  AddressWish,
  AllocatedAddress,
  Allocation,
  AllocationRequest,
  Ipam,
  ReleaseRequest,
} from './ipam.ts';
import {
  doneRecord,
  heldAddresses,
  intendedRecord,
  type RecordedAdd,
  type RecordedPod,
  sourceOf,
} from './ipam-record.ts';
import { allocateProbed, type ProbedAllocation } from './probed-allocation.ts';

/** What the plugin needs. */
export interface IpamParts {
  /** The sources of addresses, by CNI type. */
  readonly sources: ReadonlyMap<string, Ipam>;
  readonly attachments: Attachments;
  readonly openNamespace: (path: string) => Promise<NetworkNamespace>;
  /** The addresses of the interface on the node that a NIC of a pod is made from. */
  readonly parentNetworks: (pod: NetworkNamespace, nic: string) => readonly Cidr[];
  /** How addresses are probed before the main plugin sets them. */
  readonly detection: Detection;
  /** The reason why new pods cannot be served; undefined when they can. */
  readonly notReady: () => string | undefined;
  /** Gives the NIC what its source demands. Undefined for a NIC that exists at ADD: it is changed. */
  readonly meetDemand?: (allocation: Allocation, call: NetnsCall) => Promise<void>;
  /** RFC 3339. */
  readonly timestamp: () => string;
}

/** A release that takes longer is left to the DEL. */
const GIVE_BACK_TIMEOUT_MS = 5_000;

export class IpamPlugin implements CniPlugin {
  readonly #type: string;
  readonly #parts: IpamParts;

  /** `type` is the CNI type whose source gives the addresses. */
  constructor(type: string, parts: IpamParts) {
    this.#type = type;
    this.#parts = parts;
  }

  async add(call: NetnsCall): Promise<CniResult> {
    const { attachments } = this.#parts;
    const { containerId, interfaceName } = call.environment;
    const wanted = wishIn(call);
    this.#source().validate(wanted);
    const pod = requirePod(call.environment);
    await this.#prepareLink(call);
    const allocated = await this.#allocate(call, {
      containerId,
      interfaceName,
      podNamespace: pod.namespace,
      podName: pod.name,
      podUid: pod.uid,
      ...wanted,
      parentNetworks: () => this.#parentNetworks(call),
      intend: (podUid, planned = []) => this.#intend(call, { ...pod, uid: podUid }, planned),
      signal: call.signal,
      log: call.log,
    });
    const { allocation } = allocated;
    const result = resultOf(allocation, interfaceName);
    const recorded = this.#recorded(call, { ...pod, uid: allocation.podUid });
    await this.#record(doneRecord(recorded, allocated, result), call);
    await attachments.supersede(allocation.podUid, containerId);
    return result;
  }

  /**
   * If the agent dies after addresses were allocated, DEL finds the pod's UID in CNI_ARGS. For a static pod, CNI_ARGS has
   * the hash of its file instead. Then the UID is written to the disk first.
   */
  async #intend(call: NetnsCall, pod: RecordedPod, planned: readonly AllocatedAddress[]): Promise<void> {
    const { attachments } = this.#parts;
    const { containerId, interfaceName, args } = call.environment;
    const before = attachments.get({ containerId, interfaceName })?.ipam;
    if (before?.state === 'done') return;
    const isTold = parseKubernetesArgs(args).podUid === pod.uid;
    if (planned.length === 0 && (isTold || before !== undefined)) return;
    await attachments.put(intendedRecord(this.#recorded(call, pod), planned));
  }

  /** Addresses that an earlier ADD of this attachment has probed are not probed again: they may be in use by now. */
  async #allocate(call: NetnsCall, request: AllocationRequest): Promise<ProbedAllocation> {
    const { attachments, detection } = this.#parts;
    const { podNamespace: namespace, podName: name, containerId, interfaceName } = request;
    const ipam = this.#source();
    const before = attachments.get({ containerId, interfaceName })?.ipam;
    const meetDemand = (allocation: Allocation) => this.#meetDemand(call, allocation);
    if (before?.state === 'done') {
      const allocation = await ipam.allocate(request);
      await meetDemand(allocation);
      return { allocation, probed: before.probed ?? false };
    }
    const giveBack = (uid: string) => this.#giveBack({ namespace, name, uid }, call);
    return allocateProbed(request, call.netns, { ipam, meetDemand, detection, giveBack });
  }

  /** Releases what this ADD has allocated, even if its caller has disconnected. */
  async #giveBack(pod: RecordedPod, call: NetnsCall): Promise<void> {
    const { attachments } = this.#parts;
    const { containerId, interfaceName } = call.environment;
    const intended = attachments.get({ containerId, interfaceName });
    const held = intended === undefined ? [] : heldAddresses(intended);
    const lastNic = this.#holding(pod.uid, this.#type).length === 0;
    const share = { nic: lastNic ? undefined : interfaceName, held };
    await this.#release(this.#source(), pod, share, {
      ...call,
      signal: AbortSignal.timeout(GIVE_BACK_TIMEOUT_MS),
    });
    // Another pod may get the planned addresses now, so a later DEL must not name them again.
    if (intended !== undefined && held.length > 0) await attachments.removePart(intended, ipamPart);
  }

  /** If the record cannot be written (a full disk), addresses that were not recorded before are released. */
  async #record(record: AttachmentRecord, call: NetnsCall): Promise<void> {
    const { attachments } = this.#parts;
    const before = attachments.get(record)?.ipam;
    try {
      await attachments.put(record);
    } catch (error) {
      if (before?.state !== 'done' && record.pod !== undefined) {
        await this.#giveBack(record.pod, call).catch((failed: unknown) => {
          call.log.warn({ err: failed }, 'could not release addresses; the DEL releases them');
        });
      }
      throw error;
    }
  }

  async del(call: AttachmentCall): Promise<void> {
    const { attachments } = this.#parts;
    const { containerId, interfaceName } = call.environment;
    const record = attachments.get({ containerId, interfaceName });
    if (record?.ipam !== undefined) return this.remove(record, call);
    // The DEL was already served, or the agent died between allocation and record, or the record was damaged.
    const { podNamespace: namespace, podName: name, podUid } = podIfKnown(call.environment);
    if (namespace === undefined || name === undefined || podUid === undefined) return;
    const source = this.#source();
    const uid = await source.ownerUid({ namespace, name, uid: podUid }, call.signal);
    const others = this.#holding(uid, this.#type);
    if (others.some((other) => other.containerId !== containerId || other.interfaceName === interfaceName))
      return;
    const share = { nic: others.length === 0 ? undefined : interfaceName, held: [] };
    await this.#release(source, { namespace, name, uid }, share, call);
  }

  async check(call: NetnsCall): Promise<void> {
    const { containerId, interfaceName } = call.environment;
    const prevResult = prevResultOf(call.conf);
    if (prevResult === undefined) {
      throw new OrbError('INPUT_INVALID', {
        message: 'prevResult is missing; CHECK needs the result of ADD',
        subject: 'network configuration',
      });
    }
    const record = this.#parts.attachments.get({ containerId, interfaceName });
    if (record?.ipam?.state !== 'done' || record.pod === undefined) {
      throw new OrbError('CNI_CHECK_FAILED', {
        message: `no addresses are recorded for interface ${interfaceName} of container ${containerId}`,
      });
    }
    const own = record.ipam.addresses.filter(({ nic }) => nic === interfaceName);
    const reported = new Set(prevResult.ips?.map((ip) => ip.address));
    const unreported = own.find(({ address }) => !reported.has(address));
    if (unreported !== undefined) {
      throw new OrbError('CNI_CHECK_FAILED', {
        message: `address ${unreported.address} of interface ${interfaceName} is allocated but not in prevResult`,
      });
    }
    await this.#source(record).verify({
      podUid: record.pod.uid,
      nic: interfaceName,
      addresses: heldAddresses(record, interfaceName),
      signal: call.signal,
    });
  }

  async gc(call: PluginCall): Promise<void> {
    await collectGarbage(call, this.#parts.attachments, ipamPart, (record) => this.remove(record, call));
  }

  async status(): Promise<void> {
    const reason = this.#parts.notReady() ?? (await this.#source().unready?.());
    if (reason !== undefined) throw new OrbError('AGENT_NOT_READY', { message: reason });
  }

  /** The kernel's duplicate address detection would delay the main plugin for up to two seconds. */
  async #prepareLink({ netns, environment }: NetnsCall): Promise<void> {
    const namespace = await this.#parts.openNamespace(netns);
    try {
      switchOffDuplicateDetection(namespace, environment.interfaceName);
    } finally {
      namespace.close();
    }
  }

  async #parentNetworks({ netns, environment }: NetnsCall): Promise<readonly Cidr[]> {
    const namespace = await this.#parts.openNamespace(netns);
    try {
      return this.#parts.parentNetworks(namespace, environment.interfaceName);
    } finally {
      namespace.close();
    }
  }

  async #meetDemand(call: NetnsCall, allocation: Allocation): Promise<void> {
    if (this.#parts.meetDemand !== undefined) return this.#parts.meetDemand(allocation, call);
    if (allocation.link === undefined) return;
    const { vlan, ...settings } = allocation.link;
    // The reference plugin `vlan` has it in its configuration.
    const { vlanId } = call.conf as { readonly vlanId?: unknown };
    if (vlan !== undefined && vlanId !== vlan) throw vlanNotMade(vlan, call);
    if (Object.keys(settings).length === 0) return;
    const namespace = await this.#parts.openNamespace(call.netns);
    try {
      const name = call.environment.interfaceName;
      namespace.change([{ verb: 'set', kind: 'link', link: { name, ...settings } }]);
    } finally {
      namespace.close();
    }
  }

  /**
   * The source that gave the addresses of the record, or that of this type. A network may have had another type when the
   * record was written.
   */
  #source(record?: AttachmentRecord): Ipam {
    const type = this.#sourceType(record);
    const source = this.#parts.sources.get(type);
    if (source !== undefined) return source;
    throw new OrbError('CNI_TYPE_UNKNOWN', {
      message: `the addresses are those of type ${JSON.stringify(type)}, which this agent does not serve`,
    });
  }

  #sourceType(record?: AttachmentRecord): string {
    return (record && sourceOf(record)) ?? this.#type;
  }

  #recorded(call: NetnsCall, pod: RecordedPod): RecordedAdd {
    const { attachments, timestamp } = this.#parts;
    const { containerId, interfaceName } = call.environment;
    const before = attachments.get({ containerId, interfaceName });
    return { call, pod, before, timestamp: timestamp() };
  }

  /**
   * The DEL of a record that has addresses of this type's source.
   * A record that a newer sandbox of its pod has superseded owns no addresses. An agent may have died before it
   * recorded that. Then the last sandbox to be removed releases the addresses.
   */
  async remove(record: AttachmentRecord, call: PluginCall): Promise<void> {
    const { attachments } = this.#parts;
    const type = this.#sourceType(record);
    const others = this.#holding(record.pod?.uid, type).filter((other) => other !== record);
    const isShared = others.some(({ containerId }) => containerId !== record.containerId);
    if (record.pod !== undefined && record.supersededBy === undefined && !isShared) {
      // The last NIC also releases what was allocated for NICs that were never attached.
      const nic = others.length === 0 ? undefined : record.interfaceName;
      await this.#release(this.#source(record), record.pod, { nic, held: heldAddresses(record) }, call);
    }
    await attachments.removePart(record, ipamPart);
  }

  /** The pod's attachments that are known to hold addresses of this type's source. */
  #holding(podUid: string | undefined, type: string): AttachmentRecord[] {
    if (podUid === undefined) return [];
    return this.#parts.attachments
      .ofPod(podUid)
      .filter((record) => record.ipam?.state === 'done' && record.supersededBy === undefined)
      .filter((record) => this.#sourceType(record) === type);
  }

  #release(
    source: Ipam,
    pod: RecordedPod,
    share: Pick<ReleaseRequest, 'nic' | 'held'>,
    { signal, log }: PluginCall,
  ): Promise<void> {
    return source.release({
      podNamespace: pod.namespace,
      podName: pod.name,
      podUid: pod.uid,
      ...share,
      signal,
      log,
    });
  }
}

/** The cloud would drop what such an interface sends. */
function vlanNotMade(vlan: number, { conf, environment }: NetnsCall): OrbError {
  const message = `network configuration: the provider of the pool demands VLAN ${vlan} for interface ${environment.interfaceName}, and type ${JSON.stringify(conf.type)} does not make it: use type "eni-vlan"`;
  return new OrbError('INPUT_INVALID', { message, subject: 'type' });
}

/** What is asked for this NIC. Requests for a NIC of another IPAM plugin do not arrive here. */
function wishIn({ conf, environment }: NetnsCall): AddressWish {
  const inArgs = parseKubernetesArgs(environment.args);
  return {
    conf,
    requested: { ...requestedIn(conf, 'ips'), 'CNI_ARGS IP': inArgs.requestedAddresses },
    requestedMacs: { ...requestedIn(conf, 'mac'), 'CNI_ARGS MAC': inArgs.requestedMac },
  };
}
