// CNI type `spiderpool`: the IPAM plugin that main plugins (macvlan, ipvlan, SR-IOV …) delegate to.

import {
  type CniResult,
  parseKubernetesArgs,
  parseSpiderpoolIpam,
  prevResultOf,
  requestedAddresses,
} from '#api';
import { OrbError } from '#base';
import { formatAddress, formatCidr, parseCidr } from '#ip';
import type { NetworkNamespace } from '#net';
import { type AttachmentRecord, type Attachments, ipamPart, switchOffDuplicateDetection } from '#node';
import { refuseRequestedAddress } from '#plan/ipam';
import { collectGarbage } from '../collection.ts';
import type { Detection } from '../detection.ts';
import type { Allocation, AllocationRequest, Ipam, ReleaseRequest } from '../ipam.ts';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from '../plugin.ts';
import { podIfKnown, requirePod } from '../pod-identity.ts';
import { doneRecord, intendedRecord, type RecordedAdd, type RecordedPod } from './ipam-record.ts';
import { allocateProbed, type ProbedAllocation } from './probed-allocation.ts';

/** What the plugin needs. */
export interface SpiderpoolParts {
  readonly ipam: Ipam;
  readonly attachments: Attachments;
  readonly openNamespace: (path: string) => Promise<NetworkNamespace>;
  /** How addresses are probed before the main plugin sets them. */
  readonly detection: Detection;
  /** The reason why new pods cannot be served; undefined when they can. */
  readonly notReady: () => string | undefined;
  /** RFC 3339. */
  readonly timestamp: () => string;
}

/** A release that takes longer is left to the DEL. */
const giveBackTimeoutMs = 5_000;

export class SpiderpoolPlugin implements CniPlugin {
  readonly #parts: SpiderpoolParts;

  constructor(parts: SpiderpoolParts) {
    this.#parts = parts;
  }

  async add(call: NetnsCall): Promise<CniResult> {
    const { attachments } = this.#parts;
    const { containerId, interfaceName } = call.environment;
    const options = parseSpiderpoolIpam(call.conf);
    if (options.match_master_subnet) {
      throw new OrbError('INPUT_INVALID', {
        message: 'ipam.match_master_subnet true is not supported; allowed: false',
        subject: 'network configuration',
      });
    }
    const pod = requirePod(call.environment);
    refuseRequests(call);
    await this.#prepareLink(call);
    const allocated = await this.#allocate(call, {
      containerId,
      interfaceName,
      podNamespace: pod.namespace,
      podName: pod.name,
      podUid: pod.uid,
      defaultIPv4Pools: options.default_ipv4_ippool ?? [],
      defaultIPv6Pools: options.default_ipv6_ippool ?? [],
      cleanGateway: options.clean_gateway,
      intend: (podUid) => this.#intend(call, { ...pod, uid: podUid }, pod.uid),
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
   * If the agent dies after a pool was written, DEL finds the pod's UID in CNI_ARGS. For a static pod, CNI_ARGS has the
   * hash of its file instead. Then the UID is written to the disk before the pool.
   */
  async #intend(call: NetnsCall, pod: RecordedPod, told: string | undefined): Promise<void> {
    const { attachments } = this.#parts;
    const { containerId, interfaceName } = call.environment;
    if (pod.uid === told || attachments.get({ containerId, interfaceName })?.ipam !== undefined) return;
    await attachments.put(intendedRecord(this.#recorded(call, pod)));
  }

  /** Addresses that an earlier ADD of this attachment has probed are not probed again: they may be in use by now. */
  async #allocate(call: NetnsCall, request: AllocationRequest): Promise<ProbedAllocation> {
    const { ipam, attachments, detection } = this.#parts;
    const { podNamespace: namespace, podName: name, containerId, interfaceName } = request;
    const before = attachments.get({ containerId, interfaceName })?.ipam;
    if (before?.state === 'done') {
      return { allocation: await ipam.allocate(request), probed: before.probed ?? false };
    }
    const giveBack = (uid: string) => this.#giveBack({ namespace, name, uid }, call);
    return allocateProbed(request, call.netns, { ipam, detection, giveBack });
  }

  /** Releases what this ADD has allocated, even if its caller has disconnected. */
  #giveBack(pod: RecordedPod, call: NetnsCall): Promise<void> {
    const lastNic = this.#holding(pod.uid).length === 0;
    const share = { nic: lastNic ? 'all' : call.environment.interfaceName, lastNic, knownPools: [] };
    return this.#release(pod, share, { ...call, signal: AbortSignal.timeout(giveBackTimeoutMs) });
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
    const { attachments, ipam } = this.#parts;
    const { containerId, interfaceName } = call.environment;
    const record = attachments.get({ containerId, interfaceName });
    if (record?.ipam !== undefined) return this.#remove(record, call);
    // The DEL was already served, or the agent died between writing the pool and the record, or the record was damaged.
    const { podNamespace: namespace, podName: name, podUid } = podIfKnown(call.environment);
    if (namespace === undefined || name === undefined || podUid === undefined) return;
    const uid = await ipam.ownerUid({ namespace, name, uid: podUid }, call.signal);
    const others = this.#holding(uid);
    if (others.some((other) => other.containerId !== containerId || other.interfaceName === interfaceName))
      return;
    const lastNic = others.length === 0;
    const share = { nic: lastNic ? 'all' : interfaceName, lastNic, knownPools: [] };
    await this.#release({ namespace, name, uid }, share, call);
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
    const [missing] = await this.#parts.ipam.missing({
      podUid: record.pod.uid,
      nic: interfaceName,
      addresses: own.map(({ address, pool }) => ({ address: parseCidr(address).address, pool })),
      signal: call.signal,
    });
    if (missing === undefined) return;
    const address = formatAddress(missing.address);
    throw new OrbError('CNI_CHECK_FAILED', {
      message: `address ${address} of interface ${interfaceName} is not held for this pod in IPPool ${missing.pool} any more`,
      subject: `SpiderIPPool ${missing.pool}`,
    });
  }

  async gc(call: PluginCall): Promise<void> {
    await collectGarbage(call.conf, this.#parts.attachments, ipamPart, (record) =>
      this.#remove(record, call),
    );
  }

  async status(): Promise<void> {
    const reason = this.#parts.notReady();
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

  #recorded(call: NetnsCall, pod: RecordedPod): RecordedAdd {
    const { attachments, timestamp } = this.#parts;
    const { containerId, interfaceName } = call.environment;
    const before = attachments.get({ containerId, interfaceName });
    return { call, pod, before, timestamp: timestamp() };
  }

  /**
   * A record that a newer sandbox of its pod has superseded owns no addresses. An agent may have died before it
   * recorded that. Then the last sandbox to be removed releases the addresses.
   */
  async #remove(record: AttachmentRecord, call: PluginCall): Promise<void> {
    const { attachments } = this.#parts;
    const others = this.#holding(record.pod?.uid).filter((other) => other !== record);
    const isShared = others.some(({ containerId }) => containerId !== record.containerId);
    if (record.pod !== undefined && record.supersededBy === undefined && !isShared) {
      const lastNic = others.length === 0;
      const knownPools = [...new Set(record.ipam?.addresses.map(({ pool }) => pool))];
      // The last NIC also releases what was allocated for NICs that were never attached.
      await this.#release(
        record.pod,
        { nic: lastNic ? 'all' : record.interfaceName, lastNic, knownPools },
        call,
      );
    }
    await attachments.removePart(record, ipamPart);
  }

  /** The pod's attachments that are known to hold addresses. */
  #holding(podUid: string | undefined): AttachmentRecord[] {
    if (podUid === undefined) return [];
    return this.#parts.attachments
      .ofPod(podUid)
      .filter((record) => record.ipam?.state === 'done' && record.supersededBy === undefined);
  }

  #release(
    pod: RecordedPod,
    share: Pick<ReleaseRequest, 'nic' | 'lastNic' | 'knownPools'>,
    { signal, log }: PluginCall,
  ): Promise<void> {
    return this.#parts.ipam.release({
      podNamespace: pod.namespace,
      podName: pod.name,
      podUid: pod.uid,
      ...share,
      signal,
      log,
    });
  }
}

/** Refuses requests for particular addresses. Requests for a NIC of another IPAM plugin do not arrive here. */
function refuseRequests({ conf, environment }: NetnsCall): void {
  for (const [field, value] of Object.entries(requestedAddresses(conf))) refuseRequestedAddress(field, value);
  refuseRequestedAddress('CNI_ARGS IP', parseKubernetesArgs(environment.args).requestedAddresses);
}

/** An IPAM plugin's result has no interfaces: the caller fills them in (CNI specification 1.1, section 4). */
function resultOf({ addresses, routes }: Allocation, interfaceName: string): CniResult {
  return {
    ips: addresses
      .filter(({ nic }) => nic === interfaceName)
      .map(({ address, gateway }) => ({
        address: formatCidr(address),
        ...(gateway === undefined ? {} : { gateway: formatAddress(gateway) }),
      })),
    routes: routes
      .filter(({ nic }) => nic === interfaceName)
      .map(({ destination, gateway }) => ({ dst: formatCidr(destination), gw: formatAddress(gateway) })),
    dns: {},
  };
}
