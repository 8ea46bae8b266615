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
import { requirePod } from '../pod-identity.ts';
import { AddressReturns } from './address-returns.ts';
import { AddressSources } from './address-sources.ts';
import { resultOf } from './allocation-result.ts';
import type { AddressWish, AllocatedAddress, Allocation, AllocationRequest, Ipam } from './ipam.ts';
import {
  doneRecord,
  heldAddresses,
  intendedRecord,
  type RecordedAdd,
  type RecordedPod,
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

export class IpamPlugin implements CniPlugin {
  readonly #parts: IpamParts;
  readonly #sources: AddressSources;
  readonly #returns: AddressReturns;

  /** `type` is the CNI type whose source gives the addresses. */
  constructor(type: string, parts: IpamParts) {
    this.#parts = parts;
    this.#sources = new AddressSources(type, parts.sources);
    this.#returns = new AddressReturns(this.#sources, parts.attachments);
  }

  async add(call: NetnsCall): Promise<CniResult> {
    const { attachments } = this.#parts;
    const { containerId, interfaceName } = call.environment;
    const wanted = wishIn(call);
    this.#sources.own.validate(wanted);
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
    const ipam = this.#sources.own;
    const before = attachments.get({ containerId, interfaceName })?.ipam;
    const meetDemand = (allocation: Allocation) => this.#meetDemand(call, allocation);
    if (before?.state === 'done') {
      const allocation = await ipam.allocate(request);
      await meetDemand(allocation);
      return { allocation, probed: before.probed ?? false };
    }
    const giveBack = (uid: string) => this.#returns.afterFailedAdd({ namespace, name, uid }, call);
    return allocateProbed(request, call.netns, { ipam, meetDemand, detection, giveBack });
  }

  /** If the record cannot be written (a full disk), addresses that were not recorded before are released. */
  async #record(record: AttachmentRecord, call: NetnsCall): Promise<void> {
    const { attachments } = this.#parts;
    const before = attachments.get(record)?.ipam;
    try {
      await attachments.put(record);
    } catch (error) {
      if (before?.state !== 'done' && record.pod !== undefined) {
        await this.#returns.afterFailedAdd(record.pod, call).catch((failed: unknown) => {
          call.log.warn({ err: failed }, 'could not release addresses; the DEL releases them');
        });
      }
      throw error;
    }
  }

  async del(call: AttachmentCall): Promise<void> {
    const { containerId, interfaceName } = call.environment;
    const record = this.#parts.attachments.get({ containerId, interfaceName });
    if (record?.ipam !== undefined) return this.remove(record, call);
    await this.#returns.withoutRecord(call);
  }

  /** The DEL of a record that has addresses of this type's source. */
  remove(record: AttachmentRecord, call: PluginCall): Promise<void> {
    return this.#returns.ofRecord(record, call);
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
    await this.#sources.of(record).verify({
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
    const reason = this.#parts.notReady() ?? (await this.#sources.own.unready?.());
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

  #recorded(call: NetnsCall, pod: RecordedPod): RecordedAdd {
    const { attachments, timestamp } = this.#parts;
    const { containerId, interfaceName } = call.environment;
    const before = attachments.get({ containerId, interfaceName });
    return { call, pod, before, timestamp: timestamp() };
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
