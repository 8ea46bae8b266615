// The repair of one pod. First its sandbox is entered. Then its plan is made from its records, the cluster's settings
// and the node's addresses as they are now. The repair follows in the same turn of the event loop, so that no verb can
// run in between.

import { type NetConf, parseCoordinatorConf, type SpiderCoordinator } from '#api';
import { errorText, isOrbError, type Logger, OrbError } from '#base';
import { leftNamespace } from '#cni';
import type { Address } from '#ip';
import type { NetworkNamespace } from '#net';
import {
  type AttachmentRecord,
  type Attachments,
  type Drift,
  driftOf,
  numbersIn,
  partOf,
  podInputOf,
  type RecordedNic,
  type RepairRequest,
  repairNetwork,
  replanned,
  vethRouteNetwork,
  vethRoutePart,
  withNodeAddresses,
  withPart,
} from '#node';
import { type MergedOptions, planPod, presentOptions, vethRoutePair } from '#plan/network';

/** What a pod's plan is made from, apart from its records. */
export interface PresentFacts {
  readonly coordinator: SpiderCoordinator | undefined;
  readonly nodeAddresses: readonly Address[];
}

export interface PodRepairParts {
  readonly attachments: Attachments;
  readonly node: NetworkNamespace;
  readonly openNamespace: (path: string) => Promise<NetworkNamespace>;
  /** Undefined until the cluster is known. Until then, pods are compared with what is recorded. */
  readonly present: () => PresentFacts | undefined;
  readonly timestamp: () => string;
  readonly log: Logger;
}

/** What has changed since the pod was last planned. */
export type PlanChange = 'settings' | 'node_addresses';

/** The state in which a pod was found. */
export interface PodState extends Drift {
  readonly containerId: string;
  readonly pod: AttachmentRecord['pod'];
  readonly interfaces: readonly string[];
  readonly changes: readonly PlanChange[];
  /** ADD has answered: the runtime knows that the attachment is complete. */
  readonly attached: boolean;
}

/** What was found of some NICs, and their records with the plan that they have now. */
interface Compared {
  readonly drift: Drift;
  readonly changes: readonly PlanChange[];
  readonly attached: boolean;
  readonly records: readonly AttachmentRecord[];
}

interface ServedRecord extends AttachmentRecord {
  readonly coordinator: NonNullable<AttachmentRecord['coordinator']> & { readonly plan: RecordedNic };
}

export class PodRepair {
  readonly #parts: PodRepairParts;
  /** The last reported problem of the settings. It is reported once for all pods. */
  #refused: string | undefined;

  constructor(parts: PodRepairParts) {
    this.#parts = parts;
  }

  /** Containers with a NIC that the coordinator or `veth-route` serves. */
  containers(): string[] {
    const served = this.#parts.attachments.all().filter(isRepaired);
    return [...new Set(served.map(({ containerId }) => containerId))];
  }

  recordsOf(containerId: string): readonly AttachmentRecord[] {
    return this.#parts.attachments.ofContainer(containerId).filter(isRepaired);
  }

  podOf(containerId: string): AttachmentRecord['pod'] {
    return this.#parts.attachments.ofContainer(containerId).find(({ pod }) => pod !== undefined)?.pod;
  }

  /** The pod's namespace; the caller closes it. Undefined if it is gone: its DEL or GC will follow. */
  async enter(containerId: string): Promise<NetworkNamespace | undefined> {
    const [first] = this.recordsOf(containerId);
    return first === undefined ? undefined : leftNamespace(this.#parts, first.netns);
  }

  /** Undefined if nothing is recorded any more. */
  look(containerId: string, pod: NetworkNamespace): PodState | undefined {
    return this.#compared(containerId, pod, driftOf)?.state;
  }

  /**
   * Repairs the pod and records what its plan was made from. The kernel is repaired when this returns. The promise
   * resolves when the record is on the disk. Throws the kernel's errors.
   */
  repair(
    containerId: string,
    pod: NetworkNamespace,
  ): { readonly state: PodState; readonly recorded: Promise<void> } | undefined {
    const done = this.#compared(containerId, pod, repairNetwork);
    if (done === undefined) return undefined;
    const { state, changed } = done;
    const recorded = Promise.all(changed.map((record) => this.#parts.attachments.put(record)));
    return { state, recorded: recorded.then(() => {}) };
  }

  #compared(containerId: string, pod: NetworkNamespace, work: typeof repairNetwork) {
    const found = this.recordsOf(containerId);
    const [first] = found;
    if (first === undefined) return undefined;
    // The coordinator needs the NICs that `veth-route` has made.
    const compared = [
      ...found.filter(isRouted).map((record) => this.#routed(record, pod, work)),
      ...this.#coordinated(containerId, found.filter(isServed), pod, work),
    ];
    const state: PodState = {
      damage: compared.flatMap(({ drift }) => drift.damage),
      differences: compared.flatMap(({ drift }) => drift.differences),
      lost: compared.flatMap(({ drift }) => drift.lost),
      repairable: compared.every(({ drift }) => drift.repairable),
      containerId,
      pod: first.pod,
      interfaces: found.map(({ interfaceName }) => interfaceName),
      changes: [...new Set(compared.flatMap(({ changes }) => changes))],
      attached: compared.every(({ attached }) => attached),
    };
    return {
      state,
      changed: compared.flatMap(({ records }) => records).filter((one) => !found.includes(one)),
    };
  }

  /** All NICs of the coordinator at once, because they share rules and tables. */
  #coordinated(
    containerId: string,
    found: readonly ServedRecord[],
    pod: NetworkNamespace,
    work: typeof repairNetwork,
  ): Compared[] {
    if (found.length === 0) return [];
    const recorded = withNumbers(containerId, found, pod);
    const { request, changes, records } = this.#plan(containerId, recorded);
    const drift = work(request, { pod, node: this.#parts.node });
    const attached = recorded.every(({ coordinator }) => coordinator.state === 'done');
    return [{ drift, changes, attached, records }];
  }

  #routed(record: AttachmentRecord, pod: NetworkNamespace, work: typeof repairNetwork): Compared {
    const part = partOf(record, vethRoutePart);
    if (part === undefined)
      throw new OrbError('INTERNAL', { message: 'the record has no part of veth-route' });
    const present = this.#parts.present();
    const now = present === undefined ? part : withNodeAddresses(part, present.nodeAddresses);
    const isChanged = JSON.stringify(now) !== JSON.stringify(part);
    const before = vethRouteNetwork(record, part);
    const request = isChanged
      ? { desired: vethRouteNetwork(record, now), before, nics: [] }
      : { desired: before, nics: [] };
    return {
      drift: work(request, { pod, node: this.#parts.node }),
      changes: isChanged ? ['node_addresses'] : [],
      attached: part.state === 'done',
      records: [isChanged ? withPart(record, vethRoutePart, now) : record],
    };
  }

  /** The pod's plan as recorded, and the new plan if something has changed since. */
  #plan(containerId: string, recorded: readonly ServedRecord[]) {
    const before = planOf(containerId, recorded);
    const present = this.#parts.present();
    const records = present === undefined ? recorded : this.#refreshed(recorded, present);
    const changes: PlanChange[] = [
      ...(differ(recorded, records, optionsOf) ? (['settings'] as const) : []),
      ...(differ(recorded, records, addressesOf) ? (['node_addresses'] as const) : []),
    ];
    if (changes.length === 0)
      return { request: { desired: before, nics: plansOf(recorded) }, changes, records: recorded };
    const request: RepairRequest = { desired: planOf(containerId, records), before, nics: plansOf(records) };
    return { request, changes, records };
  }

  #refreshed(
    recorded: readonly ServedRecord[],
    { coordinator, nodeAddresses }: PresentFacts,
  ): ServedRecord[] {
    const plannedAt = this.#parts.timestamp();
    return recorded.map((record) => {
      const options = this.#options(record, coordinator);
      const plan = replanned(record.coordinator.plan, { options, nodeAddresses, plannedAt });
      return { ...record, coordinator: { ...record.coordinator, plan } };
    });
  }

  /** Invalid settings must not prevent the repair of a pod. */
  #options(
    { coordinator: { plan, netConf } }: ServedRecord,
    cluster: SpiderCoordinator | undefined,
  ): MergedOptions {
    try {
      return presentOptions(plan.options, parseCoordinatorConf(netConf as NetConf), cluster);
    } catch (error) {
      if (!isOrbError(error, 'INPUT_INVALID')) throw error;
      const text = errorText(error);
      if (text !== this.#refused) this.#parts.log.error({ error: text }, 'running pods keep their settings');
      this.#refused = text;
      return plan.options;
    }
  }
}

/** The links of the node that lead to the NIC. */
export function hostLinksOf(record: AttachmentRecord): string[] {
  const link = record.coordinator?.plan?.hostLink;
  return [
    ...(link === undefined ? [] : [link]),
    ...(isRouted(record) ? [vethRoutePair(record).hostLink] : []),
  ];
}

function isRepaired(record: AttachmentRecord): boolean {
  return isServed(record) || isRouted(record);
}

function isRouted(record: AttachmentRecord): boolean {
  return partOf(record, vethRoutePart) !== undefined && record.supersededBy === undefined;
}

/**
 * A record that a newer sandbox of the pod has superseded is left alone. The node's routes to the pod's addresses
 * belong to the newer sandbox.
 */
function isServed(record: AttachmentRecord): record is ServedRecord {
  return record.coordinator?.plan !== undefined && record.supersededBy === undefined;
}

function planOf(containerId: string, records: readonly ServedRecord[]) {
  return planPod(podInputOf(containerId, plansOf(records)));
}

function plansOf(records: readonly ServedRecord[]): RecordedNic[] {
  return records.map(({ coordinator }) => coordinator.plan);
}

/** Older agents recorded no numbers. They are chosen now, and avoid what other programs use in the pod. */
function withNumbers(
  containerId: string,
  records: readonly ServedRecord[],
  pod: NetworkNamespace,
): readonly ServedRecord[] {
  if (records.every(({ coordinator }) => coordinator.plan.numbers !== undefined)) return records;
  const numbers = numbersIn(pod, podInputOf(containerId, plansOf(records)).numbers);
  return records.map((record) => {
    const { coordinator } = record;
    return { ...record, coordinator: { ...coordinator, plan: { ...coordinator.plan, numbers } } };
  });
}

function optionsOf({ coordinator }: ServedRecord): unknown {
  return coordinator.plan.options;
}

function addressesOf({ coordinator }: ServedRecord): unknown {
  return coordinator.plan.nodeAddresses;
}

function differ(
  before: readonly ServedRecord[],
  after: readonly ServedRecord[],
  of: (record: ServedRecord) => unknown,
): boolean {
  return JSON.stringify(before.map(of)) !== JSON.stringify(after.map(of));
}
