// Reports repairs. Metrics and the log have all of them. The pod gets an Event if another program broke something.

import { resources } from '#api';
import type { Logger } from '#base';
import type { EventRecorder } from '#kube';
import type { PlanChange, PodState } from './pod-repair.ts';

/** What triggered a comparison. */
export type Cause = 'start' | 'event' | 'plan' | 'sweep' | 'attached';

/** Why something differed from its plan. */
export type RepairReason = PlanChange | 'drift' | 'start' | 'unfinished';

/** Counts the comparisons of the agent and of `orbctl check --repair`. */
export interface RepairMetrics {
  compared(scope: 'pod' | 'node'): void;
  /** `beyond_repair`: another program owns it, and it is left alone. */
  repaired(
    scope: 'pod' | 'node',
    reason: RepairReason,
    result: 'repaired' | 'failed' | 'beyond_repair',
  ): void;
  /** Objects that were missing or different. */
  drifted(scope: 'pod' | 'node', objects: number): void;
}

export interface RepairReportParts {
  readonly metrics: RepairMetrics;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly log: Logger;
}

/** `kubectl describe` shows the message in one piece. The API server accepts 1024 characters. */
const MESSAGE_LENGTH = 1000;

export class RepairReport {
  readonly #parts: RepairReportParts;
  /** What was last reported as beyond repair, by container. It is reported once. */
  readonly #lost = new Map<string, string>();

  constructor(parts: RepairReportParts) {
    this.#parts = parts;
  }

  pod(state: PodState, cause: Cause): void {
    const { metrics, log } = this.#parts;
    const { containerId, damage, differences, repairable, changes, attached } = state;
    metrics.compared('pod');
    if (damage.length > 0) metrics.drifted('pod', damage.length);
    if (differences.length > 0 && repairable) {
      for (const change of changes) metrics.repaired('pod', change, 'repaired');
      log.info(
        { containerId, pod: state.pod, changes, repaired: differences },
        'repaired the network of a pod',
      );
    }
    if (damage.length > 0 && repairable) {
      const reason: RepairReason = !attached ? 'unfinished' : cause === 'start' ? 'start' : 'drift';
      metrics.repaired('pod', reason, 'repaired');
      if (attached) this.#tell(state.pod, 'Normal', 'NetworkRepaired', `repaired: ${damage.join('; ')}`);
    }
    this.#tellLost(state);
  }

  /** The kernel refused a repair; it is tried again. Without a container, it is a repair of the node. */
  failed(containerId: string | undefined, pod: PodState['pod'], error: string): void {
    const scope = containerId === undefined ? 'node' : 'pod';
    this.#parts.metrics.compared(scope);
    this.#parts.metrics.repaired(scope, 'drift', 'failed');
    if (containerId !== undefined) this.#tellBroken(containerId, pod, error);
  }

  node(repaired: readonly string[], cause: Cause): void {
    const { metrics, log } = this.#parts;
    metrics.compared('node');
    if (repaired.length === 0) return;
    metrics.drifted('node', repaired.length);
    metrics.repaired('node', cause === 'start' ? 'start' : 'drift', 'repaired');
    log.info({ repaired }, 'repaired the network of the node');
  }

  gone(containerId: string): void {
    this.#lost.delete(containerId);
  }

  #tellLost({ containerId, pod, lost }: PodState): void {
    if (lost.length === 0) {
      this.#lost.delete(containerId);
      return;
    }
    if (this.#tellBroken(containerId, pod, lost.join('; '))) {
      this.#parts.metrics.repaired('pod', 'drift', 'beyond_repair');
    }
  }

  /** Returns whether the text was new. */
  #tellBroken(containerId: string, pod: PodState['pod'], text: string): boolean {
    if (this.#lost.get(containerId) === text) return false;
    this.#lost.set(containerId, text);
    this.#parts.log.warn({ containerId, pod, broken: text }, 'the network of a pod cannot be repaired');
    this.#tell(pod, 'Warning', 'NetworkBroken', `cannot be repaired: ${text}`);
    return true;
  }

  #tell(pod: PodState['pod'], type: 'Normal' | 'Warning', reason: string, text: string): void {
    if (pod === undefined) return;
    const message = text.length > MESSAGE_LENGTH ? `${text.slice(0, MESSAGE_LENGTH)}…` : text;
    this.#parts.events.record(resources.pods, { metadata: { ...pod } }, { type, reason, message });
  }
}
