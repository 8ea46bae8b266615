// CNI type `coordinator`: chained after the main plugin. It lets the pod reach its node, Services and the overlay.

import { isDeepStrictEqual } from 'node:util';
import { type CniResult, type NetConf, type Pod, parseCoordinatorConf, type SpiderCoordinator } from '#api';
import { errorText, type Logger, OrbError } from '#base';
import type { Address } from '#ip';
import type { NetworkNamespace } from '#net';
import {
  type AttachmentRecord,
  type Attachments,
  applyNetwork,
  type CoordinatorPart,
  checkNetwork,
  coordinatorPart,
  nicOf,
  numbersIn,
  podInputOf,
  type RecordedNic,
  withPart,
} from '#node';
import {
  type AttachmentKey,
  coordinatorResult,
  type MergedOptions,
  mergeOptions,
  type PodNic,
  planPod,
  shareLan,
} from '#plan/network';
import { addressesOf, requirePrevResult } from '../chained-result.ts';
import { collectGarbage } from '../collection.ts';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from '../plugin.ts';
import { requirePod } from '../pod-identity.ts';
import { addedNamespace, leftNamespace, recordedNetns } from '../pod-namespace.ts';
import { multusDefaults, requireDefaultRouteNic } from './default-route-request.ts';
import { detectLate, type LateDetectionParts } from './late-detection.ts';
import { takeAway, withoutSuccessors } from './nic-leaving.ts';
import { type NicRequest, otherNics, planNic } from './nic-planning.ts';
import { keepProvidedMac } from './provided-mac.ts';

/** What the plugin needs from the cluster and its node. */
export interface CoordinatorParts extends LateDetectionParts {
  readonly attachments: Attachments;
  /** The node's own namespace, kept open. */
  readonly node: NetworkNamespace;
  readonly openNamespace: (path: string) => Promise<NetworkNamespace>;
  readonly pod: (ref: { namespace: string; name: string }, signal: AbortSignal) => Promise<Pod>;
  readonly spiderCoordinator: () => SpiderCoordinator | undefined;
  /** The node's current addresses. The first one of a family is the gateway. */
  readonly nodeAddresses: () => readonly Address[];
  readonly notReady: () => string | undefined;
  readonly timestamp: () => string;
}

export class CoordinatorPlugin implements CniPlugin {
  readonly #parts: CoordinatorParts;

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
  }

  async add(call: NetnsCall): Promise<CniResult> {
    const { attachments, node } = this.#parts;
    const { options, prevResult, record: begun } = await this.#read(call);
    const pod = await this.#parts.openNamespace(call.netns);
    const record: AttachmentRecord = { ...begun, netns: recordedNetns(call.netns, pod) };
    try {
      const request = this.#request(record, options, prevResult);
      const planned = planNic(request, { pod, node });
      if (planned === undefined) {
        await attachments.put(recorded(record, call, { state: 'done', result: prevResult }));
        return prevResult;
      }
      const { desired, record: plan, sight } = planned;
      await detectLate(call, { prevResult, record }, this.#parts);
      for (const note of desired.notes) call.log.info({ note }, 'the plan leaves out some settings');
      const result = coordinatorResult(prevResult, desired, record.interfaceName, call.netns);
      const intended = recorded(record, call, { state: 'intended', result, plan });
      await this.#recordNumbers(intended, plan.numbers);
      await attachments.putForKernel(intended);
      try {
        applyNetwork(desired, { pod, node }, sight);
      } catch (refused) {
        await this.#takeBack(intended, plan, pod, call.log);
        throw refused;
      }
      setImmediate(() => {
        this.#recordDone(intended, call);
        const own = record.ipam?.shared === true ? [] : [nicOf(plan.nic)];
        void this.#announce(call, [...own, ...this.#onItsLan(plan, intended)]);
      });
      return result;
    } finally {
      pod.close();
    }
  }

  /** The records of all NICs of a pod hold the same numbers, because any of these NICs may be the last to stay. */
  async #recordNumbers(key: AttachmentKey, numbers: RecordedNic['numbers']): Promise<void> {
    const { attachments } = this.#parts;
    const others = attachments
      .ofContainer(key.containerId)
      .filter(({ interfaceName }) => interfaceName !== key.interfaceName);
    for (const other of others) {
      const { coordinator } = other;
      if (coordinator?.plan === undefined || isDeepStrictEqual(coordinator.plan.numbers, numbers)) continue;
      const plan = { ...coordinator.plan, ...(numbers !== undefined && { numbers }) };
      await attachments.putForKernel({ ...other, coordinator: { ...coordinator, plan } });
    }
  }

  /** Undoes what a refused ADD has made. What cannot be removed now stays recorded for DEL. */
  async #takeBack(
    record: AttachmentRecord,
    plan: RecordedNic,
    pod: NetworkNamespace,
    log: Logger,
  ): Promise<void> {
    const { attachments, node } = this.#parts;
    try {
      await takeAway(record, plan, this.#others(record), { pod, node }, log);
      await attachments.removePart(record, coordinatorPart);
    } catch (error) {
      log.error({ err: error }, 'the objects of a refused ADD stay until DEL');
    }
  }

  /**
   * The runtime does not wait for this write. The record on the disk already holds everything that DEL and CHECK need.
   */
  #recordDone(intended: AttachmentRecord, { log }: NetnsCall): void {
    const { attachments } = this.#parts;
    const now = attachments.get(intended);
    // Another verb of the same pod may have replaced the record while this write waited. A repair changes only the
    // plan.
    if (now?.coordinator === undefined || now.coordinator.result !== intended.coordinator?.result) return;
    attachments
      .putForKernel({ ...now, coordinator: { ...now.coordinator, state: 'done' } })
      .catch((error: unknown) => {
        log.error({ err: error }, 'the record of the attachment could not be completed');
      });
  }

  /**
   * Neighbours may remember another pod's link address, or the one that podMACPrefix has replaced (Spiderpool #4650).
   * The runtime does not wait for this.
   */
  async #announce({ netns, log }: Pick<NetnsCall, 'netns' | 'log'>, nics: readonly PodNic[]): Promise<void> {
    for (const { name: nic, addresses: cidrs } of nics) {
      const addresses = cidrs.map(({ address }) => address);
      try {
        await this.#parts.detection.announce({ netns, nic, addresses, log });
      } catch (error) {
        log.warn({ error: errorText(error), nic }, 'could not announce the addresses');
      }
    }
  }

  /** Another NIC on the same LAN may have answered for these addresses before it was told not to. */
  #onItsLan({ nic }: RecordedNic, key: AttachmentKey): PodNic[] {
    return this.#others(key)
      .map((other) => nicOf(other.nic))
      .filter(({ addresses }) => shareLan(addresses, nicOf(nic).addresses));
  }

  async del(call: AttachmentCall): Promise<void> {
    const { containerId, interfaceName, netns } = call.environment;
    await this.#remove({ containerId, interfaceName }, netns, call.log);
  }

  async check(call: NetnsCall): Promise<void> {
    const { containerId, interfaceName } = call.environment;
    const key = { containerId, interfaceName };
    const record = this.#parts.attachments.get(key);
    const recorded = record?.coordinator;
    if (recorded === undefined) {
      throw new OrbError('CNI_CHECK_FAILED', {
        message: `there is no record of interface ${interfaceName} of container ${containerId}`,
      });
    }
    const addresses = addressesOf(requirePrevResult(call), interfaceName);
    if (recorded.plan === undefined) return;
    const made = podInputOf(containerId, [recorded.plan, ...this.#others(key)]);
    const nics = made.nics.map((nic) => (nic.name === interfaceName ? { ...nic, addresses } : nic));
    const pod = await addedNamespace(this.#parts, record?.netns, call.netns);
    try {
      const desired = planPod({ ...made, nics, numbers: numbersIn(pod, made.numbers) });
      const broken = checkNetwork(desired, { pod, node: this.#parts.node });
      if (broken.length === 0) return;
      throw new OrbError('CNI_CHECK_FAILED', {
        message: broken.join('; '),
        subject: `interface ${interfaceName}`,
      });
    } finally {
      pod.close();
    }
  }

  async gc(call: PluginCall): Promise<void> {
    const { attachments } = this.#parts;
    await collectGarbage(call, attachments, coordinatorPart, (record) =>
      this.#remove(record, record.netns?.path, call.log),
    );
  }

  async status(): Promise<void> {
    const reason = this.#parts.notReady();
    if (reason !== undefined) throw new OrbError('AGENT_NOT_READY', { message: reason });
  }

  /** Reads what the call, its pod and the cluster say. Also returns the existing record, or a new one. */
  async #read(call: NetnsCall) {
    const { containerId, interfaceName } = call.environment;
    const netConf = parseCoordinatorConf(call.conf);
    const prevResult = requirePrevResult(call);
    const identity = requirePod(call.environment);
    const pod = await this.#parts.pod(identity, call.signal);
    const merged = mergeOptions({
      netConf,
      podAnnotations: pod.metadata.annotations ?? {},
      coordinator: this.#parts.spiderCoordinator(),
      multusDefaults: multusDefaults(pod.metadata, netConf.podDefaultCniNic || 'eth0'),
    });
    requireDefaultRouteNic(merged, pod.metadata, interfaceName);
    const attachment = { containerId, interfaceName };
    const uid = pod.metadata.uid ?? identity.uid;
    const record: AttachmentRecord = {
      version: 1,
      ...attachment,
      network: call.conf.name,
      createdAt: this.#parts.timestamp(),
      ...(uid !== undefined && { pod: { namespace: identity.namespace, name: identity.name, uid } }),
      ...this.#parts.attachments.get(attachment),
    };
    const options = keepProvidedMac(merged, record, netConf.podMACPrefix, call);
    return { options, prevResult, record };
  }

  #request(record: AttachmentRecord, options: MergedOptions, prevResult: CniResult): NicRequest {
    return {
      attachment: record,
      addresses: addressesOf(prevResult, record.interfaceName),
      options,
      recorded: record.coordinator?.plan,
      others: this.#others(record),
      nodeAddresses: this.#parts.nodeAddresses(),
      timestamp: this.#parts.timestamp(),
    };
  }

  #others({ containerId, interfaceName }: AttachmentKey): RecordedNic[] {
    return otherNics(this.#parts.attachments.ofContainer(containerId), interfaceName);
  }

  async #remove(key: AttachmentKey, netns: string | undefined, log: Logger): Promise<void> {
    const { attachments, node } = this.#parts;
    const record = attachments.get(key);
    const recorded = record?.coordinator?.plan;
    // An unrecorded NIC may have left nothing, or a link that is named after the container alone. That link is removed
    // only if no other NIC is recorded.
    if (recorded !== undefined || this.#others(key).length === 0) {
      const pod = await leftNamespace(this.#parts, record?.netns, netns);
      const plan = recorded && withoutSuccessors(recorded, key, attachments.all());
      try {
        await takeAway(key, plan, this.#others(key), { pod, node }, log);
        const path = netns ?? record?.netns?.path;
        if (pod !== undefined && plan !== undefined && path !== undefined) {
          const left = this.#onItsLan(plan, key);
          setImmediate(() => void this.#announce({ netns: path, log }, left));
        }
      } finally {
        pod?.close();
      }
    }
    await attachments.removePart(key, coordinatorPart);
  }
}

/** The record with what the coordinator did, or will do next. */
function recorded(
  record: AttachmentRecord,
  call: PluginCall,
  part: Omit<CoordinatorPart, 'netConf'>,
): AttachmentRecord {
  const { prevResult: _, ...netConf }: NetConf = call.conf;
  return withPart(record, coordinatorPart, { ...part, netConf });
}
