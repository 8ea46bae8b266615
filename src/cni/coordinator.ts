// CNI type `coordinator`: chained after the main plugin, makes the pod reach its node, Services and the overlay.

import {
  type CniResult,
  type NetConf,
  type Pod,
  parseCoordinatorConf,
  prevResultOf,
  type SpiderCoordinator,
} from '#api';
import { errorText, OrbError } from '#base';
import { type Address, type Cidr, parseAddress, parseCidr } from '#ip';
import { errnoOf, type NetworkNamespace } from '#net';
import {
  type AttachmentRecord,
  type Attachments,
  applyNetwork,
  checkNetwork,
  type Namespaces,
  planRecord,
  undoNode,
  undoPod,
} from '#node';
import { coordinatorResult, type DesiredNetwork, mergeSettings, planCoordinator } from '#plan/network';
import { collectGarbage } from './collection.ts';
import { detectLate, type LateDetectionParts } from './late-detection.ts';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from './plugin.ts';
import { requirePod } from './pod-identity.ts';

/** What the plugin asks of the cluster and of its node. */
export interface CoordinatorParts extends LateDetectionParts {
  readonly attachments: Attachments;
  /** The node's own namespace, kept open. */
  readonly node: NetworkNamespace;
  readonly openNamespace: (path: string) => NetworkNamespace;
  readonly pod: (ref: { namespace: string; name: string }, signal: AbortSignal) => Promise<Pod>;
  readonly spiderCoordinator: () => SpiderCoordinator | undefined;
  /** The node's addresses as they are now; the first of a family is the gateway. */
  readonly nodeAddresses: () => readonly Address[];
  readonly notReady: () => string | undefined;
  readonly timestamp: () => string;
}

export class CoordinatorPlugin implements CniPlugin {
  readonly type = 'coordinator';
  readonly #parts: CoordinatorParts;

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
  }

  async add(call: NetnsCall): Promise<CniResult> {
    const { attachments } = this.#parts;
    const nodeAddresses = this.#parts.nodeAddresses();
    const { desired, prevResult, record } = await this.#plan(call, nodeAddresses);
    if (desired === undefined) {
      await attachments.put(withPart(record, call, { state: 'done', result: prevResult }));
      return prevResult;
    }
    await detectLate(call, { prevResult, record }, this.#parts);
    for (const note of desired.notes) call.log.warn({ note }, 'left out of the plan');
    const result = coordinatorResult(prevResult, desired, call.netns);
    const plan = planRecord(desired, nodeAddresses);
    await attachments.put(withPart(record, call, { state: 'intended', result, plan }));
    const pod = this.#parts.openNamespace(call.netns);
    try {
      applyNetwork(desired, { pod, node: this.#parts.node });
    } catch (error) {
      await this.#undo(record.containerId, pod);
      await attachments.removePart(record, 'coordinator');
      throw error;
    } finally {
      pod.close();
    }
    await attachments.put(withPart(record, call, { state: 'done', result, plan }));
    this.#announce(call, prevResult);
    return result;
  }

  /** Neighbours may remember another pod's link address, or the one that podMACPrefix has replaced (Spiderpool #4650). */
  #announce({ netns, environment, log }: NetnsCall, prevResult: CniResult): void {
    const addresses = addressesOf(prevResult, environment.ifName).map(({ address }) => address);
    try {
      this.#parts.detection.announce({ netns, nic: environment.ifName, addresses, log });
    } catch (error) {
      log.warn({ error: errorText(error) }, 'addresses were not announced');
    }
  }

  async del(call: AttachmentCall): Promise<void> {
    const { attachments } = this.#parts;
    const { containerId, ifName, netns } = call.environment;
    const record = attachments.get({ containerId, interfaceName: ifName });
    // The veth serves the whole pod: it goes with the NIC it was made for, or when nobody remembers (Spiderpool's DEL of
    // net1 takes it from a running pod).
    const othersHold = attachments
      .ofContainer(containerId)
      .some((other) => other.interfaceName !== ifName && other.coordinator?.plan !== undefined);
    if (record?.coordinator?.plan !== undefined || !othersHold)
      await this.#undoAt(containerId, netns, record);
    await attachments.removePart({ containerId, interfaceName: ifName }, 'coordinator');
  }

  async check(call: NetnsCall): Promise<void> {
    const { containerId, ifName } = call.environment;
    const recorded = this.#parts.attachments.get({ containerId, interfaceName: ifName })?.coordinator;
    if (recorded === undefined) {
      throw new OrbError('CNI_CHECK_FAILED', {
        message: `nothing is recorded for interface ${ifName} of container ${containerId}`,
      });
    }
    const nodeAddresses = recorded.plan?.nodeAddresses.map(parseAddress) ?? [];
    const { desired } = await this.#plan(call, nodeAddresses);
    if (desired === undefined) return;
    const broken = this.#withPod(call.netns, (namespaces) => checkNetwork(desired, namespaces));
    if (broken.length === 0) return;
    throw new OrbError('CNI_CHECK_FAILED', { message: broken.join('; '), subject: `interface ${ifName}` });
  }

  async gc(call: PluginCall): Promise<void> {
    const { attachments } = this.#parts;
    await collectGarbage(call.conf, attachments, 'coordinator', async (record) => {
      await this.#undoAt(record.containerId, record.netns?.path, record);
      await attachments.removePart(record, 'coordinator');
    });
  }

  async status(): Promise<void> {
    const reason = this.#parts.notReady();
    if (reason !== undefined) throw new OrbError('AGENT_NOT_READY', { message: reason });
  }

  async #plan(call: NetnsCall, nodeAddresses: readonly Address[]) {
    const { containerId, ifName } = call.environment;
    const netConf = parseCoordinatorConf(call.conf);
    const prevResult = prevResultOf(call.conf);
    if (prevResult === undefined) {
      throw new OrbError('INPUT_INVALID', {
        message: 'prevResult is missing; coordinator is chained after the plugin that makes the interface',
        subject: 'network configuration',
      });
    }
    const identity = requirePod(call.environment);
    const pod = await this.#parts.pod(identity, call.signal);
    const settings = mergeSettings({
      netConf,
      podAnnotations: pod.metadata.annotations ?? {},
      coordinator: this.#parts.spiderCoordinator(),
    });
    const attachment = { containerId, interfaceName: ifName };
    const desired: DesiredNetwork | undefined = planCoordinator({
      attachment,
      addresses: addressesOf(prevResult, ifName),
      nodeAddresses,
      settings,
    });
    const uid = pod.metadata.uid ?? identity.uid;
    const record: AttachmentRecord = {
      version: 1,
      ...attachment,
      network: call.conf.name,
      createdAt: this.#parts.timestamp(),
      ...(uid === undefined ? {} : { pod: { namespace: identity.namespace, name: identity.name, uid } }),
      ...this.#parts.attachments.get(attachment),
      netns: { path: call.netns },
    };
    return { desired, prevResult, record };
  }

  #withPod<T>(netns: string, work: (namespaces: Namespaces) => T): T {
    const pod = this.#parts.openNamespace(netns);
    try {
      return work({ pod, node: this.#parts.node });
    } finally {
      pod.close();
    }
  }

  async #undoAt(
    containerId: string,
    netns: string | undefined,
    record: AttachmentRecord | undefined,
  ): Promise<void> {
    const path = netns ?? record?.netns?.path;
    const pod = path === undefined ? undefined : this.#namespaceIfThere(path);
    try {
      await this.#undo(containerId, pod);
    } finally {
      pod?.close();
    }
  }

  /**
   * Where the namespace is gone, so is everything of ours inside; a file that was its mount point gives EINVAL. A late DEL may
   * name `/proc/PID/ns/net` of a process number that the node uses again: what is ours in the node's namespace serves every pod.
   */
  #namespaceIfThere(path: string): NetworkNamespace | undefined {
    try {
      const pod = this.#parts.openNamespace(path);
      if (pod.id !== this.#parts.node.id) return pod;
      pod.close();
      return undefined;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'EINVAL'].includes(errnoOf(error) ?? '')) return undefined;
      throw error;
    }
  }

  async #undo(containerId: string, pod: NetworkNamespace | undefined): Promise<void> {
    await undoNode(this.#parts.node, containerId);
    if (pod !== undefined) undoPod(pod);
  }
}

/** Addresses that the plugin before us gave the NIC. */
function addressesOf({ interfaces = [], ips = [] }: CniResult, ifName: string): Cidr[] {
  return ips
    .filter((ip) => ip.interface === undefined || interfaces[ip.interface]?.name === ifName)
    .map((ip) => parseCidr(ip.address));
}

/** The record with what the coordinator did, or is about to do. */
function withPart(
  record: AttachmentRecord,
  call: PluginCall,
  part: Pick<NonNullable<AttachmentRecord['coordinator']>, 'state' | 'result' | 'plan'>,
): AttachmentRecord {
  const { prevResult: _, ...netConf }: NetConf = call.conf;
  return { ...record, coordinator: { ...part, netConf } };
}
