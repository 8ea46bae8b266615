// The repair of one pod. Its sandbox is entered first. Then it is planned from its records, the cluster's settings and the node's
// addresses as they are now. It is mended in the same turn of the event loop, so that no verb can come in between.

import { type NetConf, parseCoordinatorConf, type SpiderCoordinator } from '#api';
import { errorText, isOrbError, type Logger } from '#base';
import { leftNamespace } from '#cni';
import type { Address } from '#ip';
import type { NetworkNamespace } from '#net';
import {
  type AttachmentRecord,
  type Attachments,
  type Drift,
  driftOf,
  numbersIn,
  podOf,
  type RecordedNic,
  type RepairRequest,
  repairNetwork,
  replanned,
} from '#node';
import { type MergedOptions, planPod, presentOptions } from '#plan/network';

/** What a pod's plan is made of besides its records. */
export interface PresentFacts {
  readonly coordinator: SpiderCoordinator | undefined;
  readonly nodeAddresses: readonly Address[];
}

export interface PodRepairParts {
  readonly attachments: Attachments;
  readonly node: NetworkNamespace;
  readonly openNamespace: (path: string) => Promise<NetworkNamespace>;
  /** Undefined until the cluster is known: pods are then compared with what is recorded. */
  readonly present: () => PresentFacts | undefined;
  readonly timestamp: () => string;
  readonly log: Logger;
}

/** What has changed since the pod was last planned. */
export type PlanChange = 'settings' | 'node_addresses';

/** How a pod was found. */
export interface PodState extends Drift {
  readonly containerId: string;
  readonly pod: AttachmentRecord['pod'];
  readonly interfaces: readonly string[];
  readonly changes: readonly PlanChange[];
  /** ADD has answered: the runtime was told that all is there. */
  readonly attached: boolean;
}

interface ServedRecord extends AttachmentRecord {
  readonly coordinator: NonNullable<AttachmentRecord['coordinator']> & { readonly plan: RecordedNic };
}

export class PodRepair {
  readonly #parts: PodRepairParts;
  /** What was last said about settings, once for all pods. */
  #refused: string | undefined;

  constructor(parts: PodRepairParts) {
    this.#parts = parts;
  }

  /** Containers with a NIC that the coordinator serves. */
  containers(): string[] {
    const served = this.#parts.attachments.all().filter(isServed);
    return [...new Set(served.map(({ containerId }) => containerId))];
  }

  recordsOf(containerId: string): readonly ServedRecord[] {
    return this.#parts.attachments.ofContainer(containerId).filter(isServed);
  }

  podOf(containerId: string): AttachmentRecord['pod'] {
    return this.#parts.attachments.ofContainer(containerId).find(({ pod }) => pod !== undefined)?.pod;
  }

  /** The pod's namespace, which the caller closes. Undefined where it is gone: its DEL or GC will come. */
  async enter(containerId: string): Promise<NetworkNamespace | undefined> {
    const [first] = this.recordsOf(containerId);
    return first === undefined ? undefined : leftNamespace(this.#parts, first.netns);
  }

  /** Undefined where nothing is recorded any more. */
  look(containerId: string, pod: NetworkNamespace): PodState | undefined {
    return this.#compared(containerId, pod, driftOf)?.state;
  }

  /**
   * Mends the pod and notes what it was planned with. The kernel's part is done when this returns; the promise is for the disk.
   * Throws what the kernel refuses.
   */
  mend(
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
    const recorded = withNumbers(containerId, found, pod);
    const { request, changes, records } = this.#plan(containerId, recorded);
    const drift = work(request, { pod, node: this.#parts.node });
    const state: PodState = {
      ...drift,
      containerId,
      pod: first.pod,
      interfaces: recorded.map(({ interfaceName }) => interfaceName),
      changes,
      attached: recorded.every(({ coordinator }) => coordinator.state === 'done'),
    };
    return { state, changed: records.filter((record) => !found.includes(record)) };
  }

  /** The pod's plan as recorded, and where something has changed since, as it is to be. */
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

  /** Settings that nobody can read keep no pod from being mended. */
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

/** What a newer sandbox of the pod has superseded is left alone: the node's routes to the pod's addresses are the new one's. */
function isServed(record: AttachmentRecord): record is ServedRecord {
  return record.coordinator?.plan !== undefined && record.supersededBy === undefined;
}

function planOf(containerId: string, records: readonly ServedRecord[]) {
  return planPod(podOf(containerId, plansOf(records)));
}

function plansOf(records: readonly ServedRecord[]): RecordedNic[] {
  return records.map(({ coordinator }) => coordinator.plan);
}

/** Older agents recorded no numbers: they are chosen now, beside what other programs use in the pod. */
function withNumbers(
  containerId: string,
  records: readonly ServedRecord[],
  pod: NetworkNamespace,
): readonly ServedRecord[] {
  if (records.every(({ coordinator }) => coordinator.plan.numbers !== undefined)) return records;
  const numbers = numbersIn(pod, podOf(containerId, plansOf(records)).numbers);
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
